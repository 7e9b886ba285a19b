import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, afterEach, expect, inject, it } from "vitest";
import { freePort } from "../../test/children.ts";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import { findQueueProblems } from "./queue-monitor.ts";
import { openQueues, type Queues } from "./queues.ts";
import { openRingWorker } from "./ring-worker.ts";

const stack = await openTestStack();
const proxy = await openTcpProxy(stack.queueUrl);
const queues = openQueues({ url: proxy.url, prefix: stack.queuePrefix, onError: () => undefined });
afterEach(() => proxy.pass());
afterAll(async () => {
  await queues.close();
  await proxy.close();
});

const ring = (on: Queues = queues) => on.ring({ taskId: randomUUID(), queue: "generate", attempt: 0 });

/** The longest of many rings, some at a time, for a while. */
async function longestRing(ms: number, on?: Queues): Promise<{ heard: number; longestMs: number }> {
  const end = performance.now() + ms;
  let [heard, longestMs] = [0, 0];
  const one = async () => {
    while (performance.now() < end) {
      const begun = performance.now();
      if (await ring(on)) heard++;
      longestMs = Math.max(longestMs, performance.now() - begun);
      await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return { heard, longestMs };
}

it.each(["refuse", "swallow"] as const)(
  "no ring takes long while the queue is away (%s), and they are heard after",
  async (how) => {
    await expect.poll(() => ring(), { interval: 300 }).toBe(true);
    proxy[how]();
    const { heard, longestMs } = await longestRing(4000);
    expect(heard).toBe(0);
    expect(longestMs).toBeLessThan(800);
    proxy.pass();
    // A connection that was half-open is made anew.
    await expect.poll(() => ring(), { interval: 300 }).toBe(true);
  },
);

it("rings reach a worker again whose connections were half-open", async () => {
  const heard: string[] = [];
  const worker = openRingWorker({
    url: proxy.url,
    prefix: stack.queuePrefix,
    queue: "embed",
    concurrency: 1,
    onError: () => undefined,
    onRing: (data) => Promise.resolve(void heard.push(JSON.stringify(data))),
  });
  const send = async () => {
    const taskId = randomUUID();
    await queues.ring({ taskId, queue: "embed", attempt: 0 });
    return taskId;
  };
  await expect.poll(() => ring(), { interval: 300 }).toBe(true);
  const first = await send();
  await expect.poll(() => heard).toContainEqual(expect.stringContaining(first));
  proxy.swallow();
  await sleep(500);
  proxy.pass();
  const sent: string[] = [];
  const comesThrough = async () => {
    sent.push(await send());
    return sent.some((id) => heard.some((data) => data.includes(id)));
  };
  // Before the worker would end itself, for its queues stand still.
  await expect.poll(comesThrough, { timeout: 30_000, interval: 500 }).toBe(true);
  await worker.close();
});

it.each(["refuse", "swallow"] as const)(
  "a worker that starts while the queue is away (%s) answers rings once it is back, and keeps still until then",
  async (how) => {
    const heard: string[] = [];
    let errors = 0;
    proxy[how]();
    const worker = openRingWorker({
      url: proxy.url,
      prefix: stack.queuePrefix,
      queue: "ingest",
      concurrency: 1,
      onError: () => {
        // One that asks on without a pause lets nothing else run, not even this test's end.
        if (++errors === 200) void worker.close();
      },
      onRing: (data) => Promise.resolve(void heard.push(JSON.stringify(data))),
    });
    await sleep(5000);
    expect(errors).toBeLessThan(200);
    proxy.pass();
    const comesThrough = async () => {
      await queues.ring({ taskId: randomUUID(), queue: "ingest", attempt: 0 });
      return heard.length > 0;
    };
    await expect.poll(comesThrough, { timeout: 20_000, interval: 500 }).toBe(true);
    await worker.close();
  },
);

const servers = inject("servers");

it.runIf(servers !== undefined && /^redis/.test(servers.queueUrl))(
  "a Redis that is full, stopped or killed takes no ring for long; one that evicts is refused",
  async () => {
    const port = await freePort();
    const url = `redis://127.0.0.1:${port}/0`;
    const start = () =>
      spawn("redis-server", ["--port", String(port), "--save", "", "--appendonly", "no"], {
        stdio: "ignore",
      });
    let server = start();
    const admin = new Redis(url, { retryStrategy: () => 100, maxRetriesPerRequest: null });
    admin.on("error", () => undefined);
    await admin.ping();
    const own = openQueues({ url, prefix: "t", onError: () => undefined });
    expect(await ring(own)).toBe(true);

    await admin.config("SET", "maxmemory", "1");
    const full = await longestRing(1500, own);
    expect(full.heard).toBe(0);
    expect(full.longestMs).toBeLessThan(800);
    const report = await own.inspect();
    expect(report?.warnings.join()).toMatch(/full.*|nothing on disk/);
    await admin.config("SET", "maxmemory", "0");
    await expect.poll(() => ring(own), { interval: 300 }).toBe(true);

    server.kill("SIGSTOP");
    const stopped = await longestRing(3000, own);
    expect(stopped.heard).toBe(0);
    expect(stopped.longestMs).toBeLessThan(800);
    expect(await own.inspect()).toBeUndefined();
    server.kill("SIGCONT");
    await expect.poll(() => ring(own), { interval: 300 }).toBe(true);

    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
    expect((await longestRing(1500, own)).longestMs).toBeLessThan(800);
    expect(await findQueueProblems({ url, prefix: "t" })).toEqual([]);
    server = start();
    await expect.poll(() => ring(own), { interval: 300 }).toBe(true);

    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    expect(await findQueueProblems({ url, prefix: "t" })).toEqual([expect.stringContaining("noeviction")]);
    await own.close();
    admin.disconnect();
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
  },
);
