import { randomUUID } from "node:crypto";
import { openQueues } from "@genq/core/queue";
import { submitTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { afterAll, expect, it } from "vitest";
import { createMetrics } from "../src/metrics.ts";
import { ringForSilent } from "../src/reconcile-rings.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

/** Submits as the api does, and no ring is heard. */
const unheard = { ...worked.api, queues: { ...worked.api.queues, ring: () => Promise.resolve(false) } };
const submit = async () =>
  (await submitTask(unheard, { userId: user, kind: "embed", payload: { texts: ["a"], kind: "query" } })).task
    .id;

it("ignores forged rings, counts them, and answers those that come after", async () => {
  const worker = worked.start();
  const waiting = await submitTask(unheard, { userId: user, kind: "generate", payload: { text: "Hi" } });
  const forge = (taskId: string) => worked.api.queues.ring({ taskId, queue: "embed", attempt: 0 });
  await forge(randomUUID());
  await forge("no id at all");
  await forge(waiting.task.id);
  const counted = async (reason: string) =>
    Number(
      new RegExp(`genq_rings_ignored_total{reason="${reason}"} (\\d+)`).exec(
        await worker.metrics.text(),
      )?.[1] ?? 0,
    );
  await expect.poll(() => counted("unknown_task"), { timeout: 20_000 }).toBe(2);
  await expect.poll(() => counted("malformed"), { timeout: 20_000 }).toBe(1);
  const real = await worked.submit(user, "embed", { texts: ["a"], kind: "query" });
  expect((await worked.until(user, real, "completed")).attempt).toBe(1);
  await worker.stop(1000);
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
  await make(5000);
  const metrics = createMetrics({ running: () => 0 });
  const services = { database: worked.database, queues, metrics };
  // Two reconcilers at it: each task is rung for once.
  const options = { silentMs: 300_000, ringsPerRound: 1000 };
  const rounds = async () => {
    let rang = 0;
    for (let round = 0; round < 12; round++) rang += await ringForSilent(services, options);
    return rang;
  };
  const begun = performance.now();
  const [one, other] = await Promise.all([rounds(), rounds()]);
  expect(one + other).toBe(5000);
  expect(await queues.waiting("ingest")).toBe(5000);
  expect(performance.now() - begun).toBeLessThan(30_000);
  await make(1000);
  expect(await ringForSilent(services, options)).toBe(0);
}, 60_000);
