import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openQueues, openRingWorker, ringsEnough } from "./index.ts";
import { openForge } from "./testing/forge-jobs.ts";

const stack = await openTestStack();
const options = { url: stack.queueUrl, prefix: stack.queuePrefix };
const queues = openQueues(options);
const heard: unknown[] = [];
const worker = openRingWorker({
  ...options,
  queue: "embed",
  concurrency: 2,
  onRing: (data) => {
    heard.push(data);
    return Promise.resolve();
  },
});
afterAll(async () => {
  await worker.close();
  await queues.close();
});

// The first use of a queue takes longer than a ring may.
beforeAll(async () => {
  while ((await queues.waiting("embed")) === undefined) await sleep(50);
});

it("hears every ring for one attempt of one task, for a ring that was answered leaves nothing behind", async () => {
  const ring = { taskId: randomUUID(), queue: "embed", attempt: 1 } as const;
  for (let times = 1; times <= 3; times++) {
    expect(await queues.ring(ring)).toBe(true);
    await expect.poll(() => heard).toHaveLength(times);
    // The job is removed right after its answer.
    await sleep(200);
  }
  expect(heard).toEqual(Array.from({ length: 3 }, () => ({ taskId: ring.taskId })));
});

it("hears the ring for the next attempt while one for the last still waits", async () => {
  heard.length = 0;
  const taskId = randomUUID();
  expect(await queues.ring({ taskId, queue: "embed", attempt: 1, delayMs: 60_000 })).toBe(true);
  expect(await queues.ring({ taskId, queue: "embed", attempt: 2 })).toBe(true);
  await expect.poll(() => heard).toEqual([{ taskId }]);
});

it("rings no more than enough where nobody answers", async () => {
  const ring = () => queues.ring({ taskId: randomUUID(), queue: "generate", attempt: 0 });
  const some = () => Promise.all(Array.from({ length: 100 }, () => ring()));
  while (((await queues.waiting("generate")) ?? 0) < ringsEnough) await some();
  for (let more = 0; more < 4; more++) await some();
  const waiting = await queues.waiting("generate");
  expect(waiting).toBeGreaterThanOrEqual(ringsEnough);
  // Groups that are sent at the same time see the same room.
  expect(waiting).toBeLessThanOrEqual(ringsEnough + 100);
});

it("goes on after jobs that somebody else put there, whatever they carry, and keeps none of them", async () => {
  heard.length = 0;
  await using forge = openForge(options, "embed");
  const forged = [null, 5, [], {}, { taskId: null }, { taskId: ["a"] }, "x".repeat(1_000_000)];
  const keeping = [{}, { removeOnComplete: false, removeOnFail: false }, { attempts: 9, priority: 3 }];
  await forge.add(forged.flatMap((data) => keeping.map((opts) => ({ data, opts }))));
  await expect.poll(() => heard.length).toBe(forged.length * keeping.length);
  const taskId = randomUUID();
  await queues.ring({ taskId, queue: "embed", attempt: 1 });
  await expect.poll(() => heard).toContainEqual({ taskId });
  // The ring that waits for its time is from the test before.
  await expect.poll(() => forge.kept()).toBe(1);
});
