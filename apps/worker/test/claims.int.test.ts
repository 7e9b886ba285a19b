import { setTimeout as sleep } from "node:timers/promises";
import { jobCatalog } from "@genq/contract";
import { claimNext, countChunks, inServiceTransaction, inUserTransaction, upsertChunks } from "@genq/core/db";
import { cancelTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { InferenceError } from "@genq/inference";
import { afterAll, expect, it } from "vitest";
import { ClaimLostError } from "../src/claim-lost.ts";
import type { Run } from "../src/handlers/handler.ts";
import { type Handlers, handlers } from "../src/handlers/handlers.ts";
import { createMetrics } from "../src/metrics.ts";
import { ringForSilent, takeBackTasks } from "../src/reconcile-rings.ts";
import { fakeInference } from "./fake-inference.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const storage = memoryStorage();
const user = await stack.createUser();
const worked = openWorkerStack(stack, storage);
afterAll(() => worked[Symbol.asyncDispose]());

const sql = <Row>(text: string, ...values: string[]) =>
  inServiceTransaction(worked.database, (tx) => tx.unsafe<Row[] & object[]>(text, values)) as Promise<Row[]>;

it("gives a task to one of those who claim it at the same time", async () => {
  const id = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
  const outcomes = await Promise.all(
    [1, 2, 3, 4].map(() =>
      claimNext(worked.database, "embed", { limit: 1, leaseMs: 15_000, runningPerUser: 10 }),
    ),
  );
  expect(outcomes.flatMap(({ tasks }) => tasks.map((task) => [task.id, task.attempt]))).toEqual([[id, 1]]);
  await cancelTask(worked.api, user, id);
});

it("does each task once with two workers on one queue, and again rung", async () => {
  const workers = [worked.start(), worked.start()];
  const ids = await Promise.all(
    Array.from({ length: 40 }, () => worked.submit(user, "embed", { texts: ["a"], kind: "query" })),
  );
  await Promise.all(ids.map((id) => worked.api.queues.ring({ taskId: id, queue: "embed", attempt: 7 })));
  for (const id of ids) {
    const task = await worked.until(user, id, "completed");
    expect([task.attempt, task.unreportedAttempts]).toEqual([1, 0]);
  }
  await Promise.all(workers.map((worker) => worker.stop(1000)));
});

it("lets a stale attempt write nothing", async () => {
  const stale = Promise.withResolvers<Run>();
  const release = Promise.withResolvers<void>();
  const stalling: Handlers = {
    ...handlers,
    ingest: async (services, run, payload) => {
      stale.resolve(run);
      await release.promise;
      return handlers.ingest(services, run, payload);
    },
  };
  // The stale worker's leases are renewed by nobody, as if its process had been stopped.
  const first = worked.start({ handlers: stalling });
  const { fileId, taskId } = await worked.upload(user, "stale.txt", "The sky is blue. ".repeat(50));
  const run = await stale.promise;
  await sql(
    "update tasks set attempt = attempt + 1, lease_until = now() + interval '1 minute' where id = $1",
    taskId,
  );

  const chunk = {
    ordinal: 900,
    pageStart: 1,
    pageEnd: 1,
    charStart: 0,
    charEnd: 1,
    tokenCount: 1,
    text: "stale",
  };
  const write = run.write((tx) =>
    upsertChunks(tx, { userId: user, fileId, model: "test/embedder" }, [
      { ...chunk, vector: new Float32Array(64) },
    ]),
  );
  await expect(write).rejects.toThrow(ClaimLostError);
  await expect(run.report({ stage: "x", done: 1, total: 1, unit: "pages" })).rejects.toThrow(ClaimLostError);
  release.resolve();
  await expect.poll(() => first.running()).toBe(0);
  const task = await worked.until(user, taskId, "processing");
  expect([task.attempt, task.progress, task.result, task.problem]).toEqual([2, null, null, null]);
  expect(await inUserTransaction(worked.database, user, (tx) => countChunks(tx, user, fileId))).toEqual({
    chunks: 0,
    tokens: 0,
  });
  await first.stop(1000);

  // The lease of the attempt that took over runs out in its turn; a third one finishes.
  await sql(
    "update tasks set lease_until = now() - interval '1 second', rung_at = null where id = $1",
    taskId,
  );
  const second = worked.start();
  const done = await worked.until(user, taskId, "completed");
  expect([done.attempt, done.unreportedAttempts]).toEqual([3, 1]);
  await second.stop(1000);
});

it("aborts running work within two seconds of its cancellation", async () => {
  const inference = fakeInference({ generateMs: 60_000 });
  const worker = worked.start({
    openInference: (onStatus) => ({ ...inference, load: fakeInference({}, onStatus).load }),
  });
  const id = await worked.submit(user, "generate", { text: "Go on for long." });
  await worked.until(user, id, "processing");
  await expect.poll(() => inference.prompts.length).toBe(1);
  const canceledAt = performance.now();
  await cancelTask(worked.api, user, id);
  await expect.poll(() => worker.running(), { interval: 20 }).toBe(0);
  expect(performance.now() - canceledAt).toBeLessThan(2000);
  const task = await worked.until(user, id, "canceled");
  expect([task.problem, task.result]).toEqual([null, null]);
  await worker.stop(1000);
});

it("gives back what does not finish in time, at no cost to the task, and rings for it", async () => {
  const slow = worked.start({
    openInference: (onStatus) => fakeInference({ generateMs: 60_000 }, onStatus),
  });
  const id = await worked.submit(user, "generate", { text: "Slow." });
  await worked.until(user, id, "processing");
  const stoppedAt = performance.now();
  await slow.stop(600);
  expect(performance.now() - stoppedAt).toBeLessThan(5000);
  const waiting = await worked.until(user, id, "queued");
  expect([waiting.attempt, waiting.lifeAttempts, waiting.unreportedAttempts]).toEqual([1, 0, 0]);

  const next = worked.start();
  const done = await worked.until(user, id, "completed");
  expect([done.attempt, done.lifeAttempts]).toEqual([2, 1]);
  await next.stop(1000);
});

it("repeats what may end better after a pause, and nothing else", async () => {
  let runs = 0;
  const failing: Handlers = {
    ...handlers,
    embed: (services, run, payload) => {
      runs++;
      if (runs === 1) throw new InferenceError("model_crashed", "Gone.");
      return handlers.embed(services, run, payload);
    },
    search: () => {
      throw new InferenceError("invalid_input", "Bad.");
    },
  };
  const worker = worked.start({ handlers: failing });
  const submittedAt = performance.now();
  const repeated = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
  const hopeless = await worked.submit(user, "search", { query: "a", k: 1 });
  const failed = await worked.until(user, hopeless, "failed");
  expect([failed.attempt, failed.problem?.code]).toEqual([1, "invalid_request"]);
  const done = await worked.until(user, repeated, "completed");
  expect(done.attempt).toBe(2);
  expect(performance.now() - submittedAt).toBeGreaterThan(1000);
  expect(performance.now() - submittedAt).toBeLessThan(10_000);
  await worker.stop(1000);
});

it("ends a task at the last of its attempts", async () => {
  const id = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
  const before = String(jobCatalog.embed.retry.attempts - 1);
  await sql("update tasks set life_attempts = $2::int where id = $1", id, before);
  const failing: Handlers = {
    ...handlers,
    embed: () => {
      throw new InferenceError("model_crashed", "Gone.");
    },
  };
  const worker = worked.start({ handlers: failing });
  const task = await worked.until(user, id, "failed");
  expect([task.problem?.code, task.attempt]).toEqual(["model_crashed", 1]);
  await worker.stop(1000);
});

it("rings once for what is silent or was abandoned, with two reconcilers at it", async () => {
  const heard: string[] = [];
  const queues = {
    ...worked.api.queues,
    // As after the loss of all rings.
    waiting: () => Promise.resolve(0),
    ringAll: (_queue: string, rings: readonly { taskId: string }[]) =>
      Promise.resolve(heard.push(...rings.map((ring) => ring.taskId)) && rings.length),
  };
  const [silent, fresh, abandoned] = await Promise.all(
    [1, 2, 3].map(() => worked.submit(user, "generate", { text: "Hello" })),
  );
  await sql("update tasks set run_after = now() - interval '1 minute' where id = $1", String(silent));
  await stack.claimTask(worked.database, String(abandoned), 1);
  await sleep(20);
  const services = { database: worked.database, queues, metrics: createMetrics({ running: () => 0 }) };
  const reconcile = async () =>
    (await takeBackTasks(services)) + (await ringForSilent(services, { silentMs: 10_000 }));
  const [one, other] = await Promise.all([reconcile(), reconcile()]);
  expect(one + other).toBe(2);
  expect(heard.sort()).toEqual([silent, abandoned].sort());
  expect(heard).not.toContain(fresh);
});
