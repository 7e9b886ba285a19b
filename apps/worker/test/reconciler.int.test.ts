import { submitTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { pino } from "pino";
import { afterAll, expect, it } from "vitest";
import { createMetrics } from "../src/metrics.ts";
import { startReconciler } from "../src/reconciler.ts";
import { fakeInference } from "./fake-inference.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

it("rings for what is silent while storage is away", async () => {
  const { database, api } = worked;
  // More than one sweep takes.
  await database.sql`
    insert into genq.storage_deletions (storage_key, user_id) select n::text, ${user} from generate_series(1, 250) n`;
  const unheard = { ...api, queues: { ...api.queues, ring: () => Promise.resolve(false) } };
  await submitTask(unheard, { userId: user, kind: "embed", payload: { texts: ["a"], kind: "query" } });
  await database.sql`update genq.tasks set run_after = now() - interval '1 minute'`;
  // The first use of a queue takes longer than its answer may.
  await expect.poll(() => api.queues.waiting("embed"), { timeout: 10_000 }).toBe(0);
  const reconciler = startReconciler({
    database,
    queues: api.queues,
    deltas: { publish: () => Promise.resolve(true), close: () => Promise.resolve() },
    storage: { ...memoryStorage(), remove: () => Promise.reject(new Error("away")) },
    inference: fakeInference({}, () => undefined),
    modelsAllowed: [],
    log: pino({ level: "silent" }),
    metrics: createMetrics({ running: () => 0 }),
  });
  await expect.poll(() => api.queues.waiting("embed"), { timeout: 4000 }).toBe(1);
  await reconciler.stop();
});
