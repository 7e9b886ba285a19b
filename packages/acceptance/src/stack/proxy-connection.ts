import { connect, type Socket } from "node:net";
import type { Direction, ProxyCounts, ProxyMode } from "./proxy-mode.ts";

/** Bytes that may wait for a slow reader before the writer is stopped. */
const mostWaiting = 1_000_000;

/** One client's connection and the one that was made for it to the server. */
export interface ProxyConnection {
  set(mode: ProxyMode): void;
  /** Resets both sides. */
  cut(): void;
}

export function createProxyConnection(
  client: Socket,
  server: { hostname: string; port: number },
  counts: ProxyCounts,
  onClose: () => void,
): ProxyConnection {
  const { hostname: host, port } = server;
  const upstream = connect({ host, port, noDelay: true, allowHalfOpen: true });
  let mode: ProxyMode = { kind: "pass" };
  let lostBytes = false;
  let closed = false;
  const cut = () => {
    if (closed) return;
    closed = true;
    for (const socket of [client, upstream]) {
      // A socket that does not connect yet can't be reset.
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
    onClose();
  };
  /** What the client sent last still reaches the server, which then sees the connection end. */
  const cutAfterDelivery = () => {
    if (closed) return;
    closed = true;
    client.resetAndDestroy();
    upstream.resume().end();
    onClose();
  };
  const join = (from: Socket, to: Socket, way: Direction) => {
    const write = delayedWriter(from, to);
    let tail = Buffer.alloc(0);
    from.on("data", (chunk: Buffer) => {
      if (closed) return;
      if (mode.kind === "swallow" && (mode.way ?? way) === way) {
        counts.swallowedBytes += chunk.length;
        lostBytes = true;
        return;
      }
      if (mode.kind === "cut-at" && mode.way === way && (mode.times ?? 0) > 0) {
        const seen = Buffer.concat([tail, chunk]);
        if (seen.includes(mode.pattern)) {
          mode.times = (mode.times ?? 0) - 1;
          counts.cutsAtPattern++;
          if (way === "to-client") return cut();
          write(chunk, 0);
          return cutAfterDelivery();
        }
        tail = seen.subarray(Math.max(0, seen.length - mode.pattern.length + 1));
      }
      const delayMs = mode.kind === "delay" ? mode.ms : 0;
      if (delayMs > 0) counts.delayedChunks++;
      write(chunk, delayMs);
    });
    from.on("end", () => write(undefined, mode.kind === "delay" ? mode.ms : 0));
    from.on("error", cut);
    from.on("close", (broken) => (broken ? cut() : undefined));
  };
  join(client, upstream, "to-server");
  join(upstream, client, "to-client");
  const whenBothClosed = () => {
    if (closed || !client.destroyed || !upstream.destroyed) return;
    closed = true;
    onClose();
  };
  client.on("close", whenBothClosed);
  upstream.on("close", whenBothClosed);
  return {
    set: (next) => {
      if (next.kind === "refuse" || (lostBytes && next.kind !== "swallow")) cut();
      else mode = next;
    },
    cut,
  };
}

/** Writes chunks in order, each after its delay; `undefined` ends. Holds `from` back while too much waits. */
function delayedWriter(from: Socket, to: Socket): (chunk: Buffer | undefined, delayMs: number) => void {
  const waiting: { chunk: Buffer | undefined; at: number }[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const ms = first.at - performance.now();
      // Timers may fire a little early.
      if (ms > 0.5) {
        timer = setTimeout(flush, Math.ceil(ms)).unref();
        return;
      }
      waiting.shift();
      if (to.destroyed || to.writableEnded) continue;
      if (first.chunk === undefined) to.end();
      else {
        waitingBytes -= first.chunk.length;
        if (!to.write(first.chunk)) {
          from.pause();
          to.once("drain", resume);
        }
      }
    }
    resume();
  };
  const resume = () => {
    if (waitingBytes < mostWaiting && !to.writableNeedDrain) from.resume();
  };
  return (chunk, delayMs) => {
    waiting.push({ chunk, at: performance.now() + delayMs });
    waitingBytes += chunk?.length ?? 0;
    if (waitingBytes >= mostWaiting) from.pause();
    if (timer === undefined) flush();
  };
}
