import { setTimeout as sleep } from "node:timers/promises";
import type { QueueName } from "@genq/contract";
import { closeDatabase, inServiceTransaction, openDatabase } from "@genq/core/db";
import { readServiceState } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { openTcpProxy } from "@genq/core/testing/tcp-proxy";
import { afterAll, expect, it } from "vitest";
import { startQueueWatch } from "../src/queue-watch.ts";
import { fakeInference } from "./fake-inference.ts";
import { startWorkerProcess } from "./worker-process.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

const deafening = new URL("../../../packages/core/src/queue/deaf-ring-workers.ts", import.meta.url).href;
const concurrency = { ingest: 1, embed: 1, generate: 1 };

/** A watch whose queue takes probes that nobody hears, as when a worker's connection is dead. */
function watchDeaf(database = worked.database, probe = () => Promise.resolve(true)) {
  const stood: QueueName[] = [];
  const watch = startQueueWatch({
    database,
    queues: { probe },
    workerId: "0192f0c1-0000-7000-8000-000000000000",
    concurrency,
    runningPerUser: 100,
    onStandstill: (queue) => stood.push(queue),
    onChange: () => undefined,
    standstillMs: 1000,
  });
  watch.opened("generate");
  return { watch, stood };
}

it("finds that it stands still while tasks wait, and not while none do, a slot is taken or a server is away", async () => {
  const idle = watchDeaf();
  await sleep(1800);
  expect(idle.stood).toEqual([]);
  await idle.watch.stop();

  const id = await worked.submit(user, "generate", { text: "Wait." });
  const dead = watchDeaf();
  const busy = watchDeaf();
  const ended = busy.watch.claimed("generate");
  const queueAway = watchDeaf(worked.database, () => Promise.resolve(false));
  const proxy = await openTcpProxy(stack.databaseUrl);
  const database = openDatabase({ url: proxy.url, role: "genq_worker", max: 1, prepare: true });
  proxy.refuse();
  const databaseAway = watchDeaf(database);
  await expect.poll(() => dead.stood).toEqual(["generate"]);
  await sleep(1000);
  expect(dead.stood).toEqual(["generate"]);
  expect(dead.watch.moving()).toEqual([]);
  expect([busy.stood, queueAway.stood, databaseAway.stood]).toEqual([[], [], []]);
  expect(busy.watch.moving()).toEqual(["generate"]);
  ended();
  await expect.poll(() => busy.stood).toEqual(["generate"]);
  await Promise.all([dead, busy, queueAway, databaseAway].map(({ watch }) => watch.stop()));
  await closeDatabase(database);
  await proxy.close();

  const worker = worked.start({ openInference: (onStatus) => fakeInference({}, onStatus) });
  await worked.until(user, id, "completed");
  await worker.stop(1000);
});

it("moves a queue as long as probes come through it, and tells the api", async () => {
  const worker = worked.start({ standstillMs: 1500 });
  await expect.poll(() => worker.isReady()).toBe(true);
  await expect
    .poll(async () => (await readServiceState(worked.api.database)).workers[0]?.queues.length)
    .toBe(3);
  await sleep(3000);
  expect(worker.moving()).toEqual(["ingest", "embed", "generate"]);
  await worker.stop(1000);
});

it("ends a process whose queue connections went dead while tasks wait, and the next one does them", async () => {
  const env = {
    PATH: "/usr/bin:/bin",
    EDITION: "standalone",
    DATABASE_URL: stack.databaseUrl,
    QUEUE_URL: stack.queueUrl,
    QUEUE_PREFIX: stack.queuePrefix,
    SUPABASE_URL: "http://127.0.0.1:1",
    SUPABASE_SECRET_KEY: "x",
    EMBEDDING_MODEL: "genq/mini-embedder",
    GENERATION_MODEL: "genq/mini-generator",
    SHUTDOWN_GRACE_MS: "3000",
  };
  // Its Worker is closed underneath, as if BullMQ had stopped to fetch; everything else is well.
  const worker = startWorkerProcess({ ...env, NODE_OPTIONS: `--import ${deafening}` });
  await expect
    .poll(() => worker.lines.filter((line) => line.includes('"answering"')).length, { timeout: 60_000 })
    .toBe(3);
  const submittedAt = performance.now();
  const id = await worked.submit(user, "generate", { text: "Is anybody there?" });
  await expect.poll(() => worker.child.exitCode, { timeout: 60_000, interval: 100 }).toBe(75);
  const seconds = (performance.now() - submittedAt) / 1000;
  expect(seconds).toBeGreaterThan(29);
  expect(seconds).toBeLessThan(50);
  expect(worker.lines.join("\n")).toContain("tasks wait and nothing was claimed for 30 s");
  const [row] = await inServiceTransaction(
    worked.database,
    (sql) => sql`select attempt, unreported_attempts from tasks where id = ${id}`,
  );
  expect(row).toMatchObject({ attempt: 0, unreported_attempts: 0 });

  const next = startWorkerProcess(env);
  await worked.until(user, id, "completed", 30_000);
  expect(await next.end("SIGTERM")).toBe(0);
}, 120_000);
