import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openTcpProxy, postgresCommitted, type TcpProxy } from "./tcp-proxy.ts";

interface Line {
  socket: Socket;
  heard: () => string;
  gone: Promise<unknown>;
}

/** A server that says everything back, behind a proxy. */
async function openEcho(): Promise<{ proxy: TcpProxy; dial: () => Promise<Line>; served: () => string }> {
  let served = "";
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      served += chunk.toString("latin1");
      socket.write(chunk);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  const proxy = await openTcpProxy(`redis://user:secret@127.0.0.1:${address.port}/0`);
  const lines: Socket[] = [];
  onTestFinished(async () => {
    for (const socket of [...lines, ...sockets]) socket.destroy();
    await proxy.close();
    server.close();
    await once(server, "close");
  });
  const dial = async () => {
    const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
    lines.push(socket);
    let heard = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
    });
    const gone = new Promise((resolve) => socket.once("close", resolve));
    await Promise.race([once(socket, "connect").catch(() => undefined), gone]);
    return { socket, heard: () => heard, gone };
  };
  return { proxy, dial, served: () => served };
}

test("bytes pass in order, whatever their number, and an end passes too", async () => {
  const { proxy, dial } = await openEcho();
  expect(new URL(proxy.url)).toMatchObject({ username: "user", password: "secret", pathname: "/0" });
  const { socket, heard, gone } = await dial();
  const sent = "0123456789abcdef".repeat(300_000);
  socket.end(sent);
  await gone;
  expect(heard() === sent).toBe(true);
  expect(proxy.connections()).toEqual([]);
});

test("refuse resets what is connected and what comes, until it may pass again", async () => {
  const { proxy, dial } = await openEcho();
  const before = await dial();
  await expect.poll(() => proxy.connections().length).toBe(1);
  proxy.set({ kind: "refuse" });
  await before.gone;
  await (await dial()).gone;
  expect(proxy.counts.refused).toBe(1);
  proxy.set({ kind: "pass" });
  const after = await dial();
  after.socket.write("hello");
  await expect.poll(() => after.heard()).toBe("hello");
});

test("swallow loses both ways or one, leaves the connection open, and cuts it when bytes may pass again", async () => {
  const { proxy, dial, served } = await openEcho();
  proxy.set({ kind: "swallow", way: "to-client" });
  const { socket, heard, gone } = await dial();
  socket.write("one");
  await expect.poll(() => served()).toBe("one");
  proxy.set({ kind: "swallow" });
  socket.write("two");
  await sleep(50);
  expect([served(), heard(), socket.destroyed]).toEqual(["one", "", false]);
  expect(proxy.counts.swallowedBytes).toBe(6);
  proxy.set({ kind: "pass" });
  await gone;
});

test("delay holds each byte back and keeps the order, also when the delay ends", async () => {
  const { proxy, dial } = await openEcho();
  proxy.set({ kind: "delay", ms: 100 });
  const { socket, heard } = await dial();
  const begun = performance.now();
  socket.write("first ");
  await expect.poll(() => proxy.counts.delayedChunks).toBe(1);
  proxy.set({ kind: "pass" });
  socket.write("second");
  await expect.poll(() => heard()).toBe("first second");
  expect(performance.now() - begun).toBeGreaterThan(95);
});

test("an answer with the pattern is lost though the server did what it says, however the bytes are split", async () => {
  const { proxy, dial, served } = await openEcho();
  proxy.set({ kind: "cut-at", pattern: postgresCommitted, way: "to-client", times: 1 });
  const { socket, heard, gone } = await dial();
  const first = postgresCommitted.subarray(0, 5);
  socket.write(Buffer.concat([Buffer.from("row "), first]));
  await expect.poll(() => heard()).toMatch(/^row /);
  socket.write(postgresCommitted.subarray(5));
  await gone;
  expect(served()).toBe(`row ${postgresCommitted.toString("latin1")}`);
  expect(heard()).toBe(`row ${first.toString("latin1")}`);
  expect(proxy.counts.cutsAtPattern).toBe(1);
  // Once was asked for.
  const next = await dial();
  next.socket.write(postgresCommitted);
  await expect.poll(() => next.heard()).toBe(postgresCommitted.toString("latin1"));
});

test("a request with the pattern arrives, and its answer does not", async () => {
  const { proxy, dial, served } = await openEcho();
  proxy.set({ kind: "cut-at", pattern: Buffer.from("commit"), way: "to-server" });
  const { socket, heard, gone } = await dial();
  socket.write("please commit");
  await gone;
  await expect.poll(() => served()).toBe("please commit");
  expect(heard()).toBe("");
});

test("one connection may have a mode of its own, and all can be cut", async () => {
  const { proxy, dial } = await openEcho();
  const first = await dial();
  await expect.poll(() => proxy.connections().length).toBe(1);
  const second = await dial();
  await expect.poll(() => proxy.connections().length).toBe(2);
  proxy.connections()[0]?.set({ kind: "swallow" });
  first.socket.write("lost");
  second.socket.write("heard");
  await expect.poll(() => second.heard()).toBe("heard");
  expect(first.heard()).toBe("");
  expect(proxy.cut()).toBe(2);
  await Promise.all([first.gone, second.gone]);
  expect(proxy.counts.cuts).toBe(2);
});
