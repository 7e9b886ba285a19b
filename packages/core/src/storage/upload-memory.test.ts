import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, it } from "vitest";
import { openStorage } from "./storage.ts";

const megabyte = 1024 * 1024;
const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => response.setHeader("content-type", "application/json").end('{"Id":"1","Key":"k"}'));
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
afterAll(() => server.close());

it("holds little of an upload in memory, however large it is", async () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const storage = openStorage({ supabaseUrl: `http://127.0.0.1:${port}`, secretKey: "key", bucket: "genq" });
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const before = process.memoryUsage().arrayBuffers;
  let held = 0;
  const body = Readable.from(
    (async function* () {
      for (let sent = 0; sent < 100; sent++) {
        for (let part = 0; part < 16; part++) yield Buffer.alloc(megabyte / 16, sent);
        await new Promise((resolve) => setImmediate(resolve));
        if (sent % 10 !== 9) continue;
        collect();
        // What was collected is given back by another thread.
        await new Promise((resolve) => setTimeout(resolve, 20));
        held = Math.max(held, process.memoryUsage().arrayBuffers - before);
      }
    })(),
    { objectMode: false },
  );
  await storage.upload("key", body, "text/plain");
  expect(held / megabyte).toBeLessThan(25);
});
