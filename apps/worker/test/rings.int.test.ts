import { randomUUID } from "node:crypto";
import type { JobKind, JobPayload } from "@genq/contract";
import { openQueues, ringsEnough } from "@genq/core/queue";
import { cancelTask, getTask, submitTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { openForge } from "@genq/core/testing/forge-jobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMetrics } from "../src/metrics.ts";
import { ringForSilent } from "../src/reconcile-rings.ts";
import type { Worker } from "../src/worker.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

/** Submits as the api does, and no ring is heard. */
const unheard = { ...worked.api, queues: { ...worked.api.queues, ring: () => Promise.resolve(false) } };
const submitAs = async <Kind extends JobKind>(kind: Kind, payload: JobPayload<Kind>) =>
  (await submitTask(unheard, { userId: user, kind, payload })).task.id;
const submit = () => submitAs("embed", { texts: ["a"], kind: "query" });

describe("a forged ring", () => {
  let worker: Worker;
  let waiting: string;
  beforeAll(async () => {
    worker = worked.start();
    waiting = await submitAs("generate", { text: "Hi" });
  });
  afterAll(() => worker.stop(1000));
  const queue = { url: stack.queueUrl, prefix: stack.queuePrefix };
  const counted = async (reason: string) =>
    Number(
      new RegExp(`genq_rings_ignored_total{reason="${reason}"} (\\d+)`).exec(
        await worker.metrics.text(),
      )?.[1] ?? 0,
    );

  it.each<[string, "malformed" | "unknown_task", () => unknown]>([
    ["of no task", "unknown_task", () => ({ taskId: randomUUID() })],
    ["of a task of another queue", "unknown_task", () => ({ taskId: waiting })],
    ["with more than an id", "unknown_task", () => ({ taskId: randomUUID(), attempt: 1, sql: "drop" })],
    ["with an id that is none", "malformed", () => ({ taskId: "no id at all" })],
    ["with an id of SQL", "malformed", () => ({ taskId: "'; drop table genq.tasks; --" })],
    ["with an empty id", "malformed", () => ({ taskId: "" })],
    ["with a number for an id", "malformed", () => ({ taskId: 7 })],
    ["with many ids", "malformed", () => ({ taskId: [randomUUID(), randomUUID()] })],
    ["without an id", "malformed", () => ({})],
    ["that is null", "malformed", () => null],
    ["that is a list", "malformed", () => [randomUUID()]],
    ["that is a text", "malformed", () => randomUUID()],
    ["that is a number", "malformed", () => 5],
    ["of a megabyte", "malformed", () => ({ taskId: "x".repeat(1_000_000) })],
  ])("%s is ignored and counted as %s, and leaves no job", async (_name, reason, make) => {
    await using forge = openForge(queue, "embed");
    const before = await counted(reason);
    await forge.add([{ data: make() }, { data: make(), opts: { removeOnComplete: false } }]);
    await expect.poll(() => counted(reason)).toBe(before + 2);
    await expect.poll(() => forge.kept(), { timeout: 5000 }).toBe(0);
    expect(worker.running()).toBe(0);
  });

  it("holds up none that comes after, and no other queue's task is touched", async () => {
    const real = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
    expect((await worked.until(user, real, "completed")).attempt).toBe(1);
    expect((await getTask(worked.api, user, waiting)).attempt).toBe(0);
    await cancelTask(worked.api, user, waiting);
  });
});

it("does all that waits on one ring", async () => {
  const ids = await Promise.all(Array.from({ length: 12 }, submit));
  // No reconciler rings for what was rung for.
  await worked.database
    .sql`update genq.tasks set rung_at = now() + interval '1 hour' where id = any (${ids}::uuid[])`;
  const worker = worked.start();
  await worked.api.queues.ring({ taskId: String(ids[5]), queue: "embed", attempt: 0 });
  for (const id of ids) await worked.until(user, id, "completed");
  await worker.stop(1000);
});

it("rings again for what a queue lost, up to a bound, and not while there are rings enough", async () => {
  const prefix = `${stack.queuePrefix}-refilled`;
  await using queues = Object.assign(openQueues({ url: stack.queueUrl, prefix }), {
    [Symbol.asyncDispose]: () => queues.close(),
  });
  const make = (tasks: number) => worked.database.sql`
    insert into genq.tasks (id, user_id, kind, queue, payload, expires_at, turn, run_after)
    select gen_random_uuid(), ${user}, 'ingest', 'ingest', '{}', now() + interval '1 day', n, now() - interval '10 minutes'
    from generate_series(1, ${tasks}) n`;
  await worked.database.sql`alter table genq.tasks disable trigger tasks_turn_insert`;
  await make(ringsEnough);
  const metrics = createMetrics({ running: () => 0 });
  const services = { database: worked.database, queues, metrics };
  // Two reconcilers at it: each task is rung for once.
  const options = { silentMs: 300_000 };
  const begun = performance.now();
  const [one, other] = await Promise.all([
    ringForSilent(services, options),
    ringForSilent(services, options),
  ]);
  expect(one + other).toBe(ringsEnough);
  expect(await queues.waiting("ingest")).toBe(ringsEnough);
  expect(performance.now() - begun).toBeLessThan(30_000);
  await make(1000);
  expect(await ringForSilent(services, options)).toBe(0);
});
