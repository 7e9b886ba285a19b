import { setTimeout as sleep } from "node:timers/promises";
import type { TaskDelta } from "@genq/contract";
import { inServiceTransaction } from "@genq/core/db";
import { openDeltaSubscriber } from "@genq/core/queue";
import { openTestStack } from "@genq/core/testing";
import { openTcpProxy } from "@genq/core/testing/tcp-proxy";
import type { GenerateResult, Inference, ModelStatus } from "@genq/inference";
import { afterAll, afterEach, expect, it } from "vitest";
import type { Worker } from "../src/worker.ts";
import { fakeInference } from "./fake-inference.ts";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
const queue = { url: stack.queueUrl, prefix: stack.queuePrefix };
const subscriber = openDeltaSubscriber(queue);
const processes: WorkerProcess[] = [];
const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(1000)));
});
afterAll(async () => {
  for (const { child } of processes) child.kill("SIGKILL");
  await subscriber.close();
  await worked[Symbol.asyncDispose]();
});

async function listen(taskId: string): Promise<TaskDelta[]> {
  const heard: TaskDelta[] = [];
  // The first use of a queue takes longer than its answer may.
  await expect.poll(() => subscriber.subscribe(taskId, (delta) => heard.push(delta))).toBeDefined();
  return heard;
}
const textOf = (heard: TaskDelta[]) => heard.map(({ delta }) => delta).join("");

/** A model that says these pieces, each after a pause. */
function saying(pieces: string[], everyMs: number) {
  return (onStatus: (status: ModelStatus) => void): Inference => ({
    ...fakeInference({}, onStatus),
    generateStream: () => {
      const { promise, resolve } = Promise.withResolvers<GenerateResult>();
      async function* read() {
        for (const piece of pieces) {
          await sleep(everyMs);
          yield piece;
        }
        resolve({
          text: pieces.join(""),
          finishReason: "stop",
          confidence: 1,
          promptTokens: 1,
          completionTokens: pieces.length,
          truncatedTokens: 0,
          model: "test/generator",
        });
      }
      const text = read();
      return { result: promise, [Symbol.asyncIterator]: () => text };
    },
  });
}
const ask = () => worked.submit(user, "generate", { text: "Say it." });

// A machine that stands still for 0.7 s drops a piece.
it("tells the text of running tasks as it comes, the same as the row has in the end", {
  retry: 2,
}, async () => {
  const pieces = Array.from({ length: 40 }, (_, n) => ["東京", "は", "👨‍👩‍👧", ` ${n}。`][n % 4] ?? "");
  const [one, two] = [await ask(), await ask()];
  const heard = [await listen(one), await listen(two)];
  const concurrency = { ingest: 1, embed: 1, generate: 2 };
  const worker = worked.start({ openInference: saying(pieces, 20), concurrency });
  workers.push(worker);
  for (const [n, id] of [one, two].entries()) {
    const { result } = await worked.until(user, id, "completed");
    const deltas = heard[n] ?? [];
    await expect.poll(() => textOf(deltas)).toBe(pieces.join(""));
    expect(result).toMatchObject({ generated_text: textOf(deltas) });
    expect(deltas.every(({ task_id, attempt }) => task_id === id && attempt === 1)).toBe(true);
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.length).toBeLessThan(pieces.length);
  }
  expect(await worker.metrics.text()).not.toContain('genq_task_deltas_total{outcome="dropped"}');
});

it("completes a task while the queue is away in the middle of its text, and goes on telling when it is back", async () => {
  const proxy = await openTcpProxy(stack.queueUrl);
  const pieces = Array.from({ length: 120 }, (_, n) => `${n} `);
  const id = await ask();
  const heard = await listen(id);
  const worker = worked.start({
    openInference: saying(pieces, 50),
    queue: { ...queue, url: proxy.url },
  });
  workers.push(worker);
  await expect.poll(() => heard.length).toBeGreaterThan(2);
  proxy.refuse();
  await sleep(1500);
  proxy.pass();
  const task = await worked.until(user, id, "completed");
  expect(task).toMatchObject({ attempt: 1, result: { generated_text: pieces.join("") } });
  await expect.poll(() => textOf(heard)).toMatch(/119 $/);
  expect(textOf(heard).length).toBeLessThan(pieces.join("").length);
  for (const { offset, delta } of heard)
    expect(pieces.join("").slice(offset, offset + delta.length)).toBe(delta);
  expect(await worker.metrics.text()).toMatch(/genq_task_deltas_total\{outcome="dropped"\} [1-9]/);
  await worker.stop(1000);
  await proxy.close();
});

it("tells the text of the next attempt as such when a worker was killed", async () => {
  const start = () => {
    const worker = startWorkerProcess({
      PATH: "/usr/bin:/bin",
      EDITION: "standalone",
      DATABASE_URL: stack.databaseUrl,
      QUEUE_URL: stack.queueUrl,
      QUEUE_PREFIX: stack.queuePrefix,
      SUPABASE_URL: "http://127.0.0.1:9",
      SUPABASE_SECRET_KEY: "unused",
      EMBEDDING_MODEL: "genq/mini-embedder",
      GENERATION_MODEL: "genq/mini-generator",
    });
    processes.push(worker);
    return worker;
  };
  // Noise without an end token, for long.
  const endless = { text: "Go on.", temperature: 2, logit_bias: { "1": -100 }, max_new_tokens: 600 };
  const id = await worked.submit(user, "generate", endless);
  const heard = await listen(id);
  const first = start();
  await expect.poll(() => heard.length, { interval: 5, timeout: 60_000 }).toBeGreaterThan(0);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");
  // Time passes: the lease of the dead worker runs out.
  await inServiceTransaction(
    worked.database,
    (sql) => sql`update tasks set lease_until = now() where id = ${id} and status = 'processing'`,
  );
  const second = start();
  const task = await worked.until(user, id, "completed", 60_000);
  expect(task.attempt).toBe(2);
  const last = () => heard.filter(({ attempt }) => attempt === 2);
  expect(heard[0]).toMatchObject({ attempt: 1, offset: 0 });
  await expect.poll(() => ({ ...task.result, generated_text: textOf(last()) })).toEqual(task.result);
  expect(last()[0]).toMatchObject({ offset: 0 });
  expect(await second.end("SIGTERM")).toBe(0);
}, 120_000);
