import { once } from "node:events";
import { connect } from "node:net";
import { Hono } from "hono";
import { expect, it } from "vitest";
import type { ApiVariables } from "../src/deps.ts";
import { serve } from "../src/serve.ts";

it("lets a client go that announced a body and sends nothing, and not one that goes on sending", async () => {
  const app = new Hono<ApiVariables>().post("/", async (c) => c.text(await c.req.text()));
  app.onError((_error, c) => c.text("", 400));
  const timeouts = { headersMs: 5000, requestMs: 10_000, keepAliveMs: 5000, idleMs: 400 };
  const server = await serve(app, "127.0.0.1", 0, timeouts);
  const { port } = new URL(server.url);
  const open = () => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na");
    return socket;
  };

  const silent = open();
  const slow = open();
  const drip = setInterval(() => slow.write("a"), 100);
  const begun = performance.now();
  silent.resume();
  const [[answer]] = await Promise.all([once(slow, "data") as Promise<[Buffer]>, once(silent, "close")]);
  clearInterval(drip);
  expect(answer.toString()).toContain("aaaaaaaaa");
  expect(performance.now() - begun).toBeLessThan(4000);
  slow.destroy();
  await server.stop(100);
});
