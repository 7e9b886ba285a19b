import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { askRedis } from "./redis.ts";

test("a Redis that ends the connection instead of answering is no reason to wait for ever", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.end())).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await expect(askRedis(`redis://127.0.0.1:${port}`, "PING")).rejects.toThrow();
  server.close();
});
