import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ProblemCode, problemSchema } from "@genq/contract";
import { Hono } from "hono";
import { afterAll, describe, expect, it } from "vitest";
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

describe("what is no request", async () => {
  const app = new Hono<ApiVariables>()
    .get("/", (c) => c.text("ok"))
    .post("/", async (c) => c.text(await c.req.text()))
    .get("/slow", async (c) => {
      await sleep(300);
      return c.text("slow");
    });
  app.onError((_error, c) => c.text("", 400));
  const timeouts = { headersMs: 200, requestMs: 400, keepAliveMs: 60_000, idleMs: 60_000 };
  const server = await serve(app, "127.0.0.1", 0, timeouts);
  afterAll(() => server.stop(100));
  const open = () =>
    connect({ port: Number(new URL(server.url).port), host: "127.0.0.1", allowHalfOpen: true });
  /** All that comes until the server closes. */
  const answerOf = async (socket: Socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    await once(socket, "end");
    return Buffer.concat(chunks).toString();
  };
  const problemOf = (answer: string) => {
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head).toContain("\r\ncontent-type: application/problem+json\r\n");
    expect(head).toContain("\r\nconnection: close");
    const problem = problemSchema.parse(JSON.parse(body));
    expect(head).toContain(`HTTP/1.1 ${problem.status} `);
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}\r\n`);
    return problem.code;
  };
  const key = (value: string) => `GET / HTTP/1.1\r\nhost: x\r\nidempotency-key: ${value}\r\n\r\n`;

  it.each<[string, string, ProblemCode]>([
    ["a control character in a header", key("a\u0001b"), "invalid_request"],
    ["headers of 100 kB", key("k".repeat(102_400)), "headers_too_large"],
    ["headers of 4 MB", key("k".repeat(4 * 1024 * 1024)), "headers_too_large"],
    ["an unknown method", "NONSENSE / HTTP/1.1\r\nhost: x\r\n\r\n", "invalid_request"],
    ["a TLS greeting", "\u0016\u0003\u0001\u0002\u0000\u0001", "invalid_request"],
    [
      "a body in no chunks",
      "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n",
      "invalid_request",
    ],
    ["half a head, and silence", "GET / HTTP/1.1\r\nhost: x", "request_timeout"],
  ])("%s is answered with a problem, and its connection is closed", async (_name, text, code) => {
    const socket = open();
    const answer = answerOf(socket);
    socket.write(text);
    expect(problemOf(await answer)).toBe(code);
    // A client that never closes its own side is let go by the server.
    socket.on("error", () => undefined);
    const write = setInterval(() => socket.write("more"), 50);
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(write);
  });

  it("behind a request is not answered in its place", async () => {
    const socket = open();
    const answer = answerOf(socket);
    socket.write("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    await sleep(50);
    socket.write(key("a\u0001b"));
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1.1 200 OK/);
    expect(text).not.toContain("problem");
    socket.destroy();
  });

  it("does no harm when its client is gone at once", async () => {
    for (let index = 0; index < 20; index++) {
      const socket = open();
      socket.on("error", () => undefined);
      await once(socket, "connect");
      socket.write(key("a\u0001b"));
      socket.resetAndDestroy();
    }
    expect(await (await fetch(server.url)).text()).toBe("ok");
  });
});
