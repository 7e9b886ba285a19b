import { deleteOldIdempotencyKeys, inServiceTransaction, selectQueueLags } from "@genq/core/db";
import { sweepObjects } from "@genq/core/files";
import { expireOverdue, ringForSilent, takeBackTasks } from "./reconcile-rings.ts";
import { type Repetition, repeat } from "./repeat.ts";
import type { Services } from "./services.ts";

const leasesEveryMs = 2000;
const everyMs = 5000;
const keysEveryMs = 600_000;

/**
 * Sets right what a lost ring, a killed worker or a crash between two steps left: takes back abandoned tasks, expires what
 * waited too long, rings for silent tasks, deletes objects that nobody needs and old idempotency keys. Any number of
 * workers may do so.
 */
export function startReconciler(services: Services): Pick<Repetition, "stop"> {
  const { log, metrics } = services;
  let keysAt = performance.now() + Math.random() * keysEveryMs;
  const step = async (name: string, work: () => Promise<unknown>) => {
    try {
      const tasks = await work();
      if (typeof tasks === "number" && tasks > 0) log.info({ step: name, tasks }, "reconciled");
    } catch (error) {
      log.warn({ err: error, step: name }, "reconciling failed");
    }
  };
  const leases = repeat(leasesEveryMs, async () => {
    await step("leases", () => takeBackTasks(services));
    await step("expiry", () => expireOverdue(services));
  });
  const rest = repeat(everyMs, async () => {
    await step("rings", () => ringForSilent(services));
    await step("lag", () => reportLag(services));
    await step("objects", async () => metrics.swept(await sweepObjects(services)));
    if (performance.now() >= keysAt) {
      keysAt = performance.now() + keysEveryMs;
      await step("keys", () => inServiceTransaction(services.database, deleteOldIdempotencyKeys));
    }
    metrics.reconciled();
  });
  return { stop: async () => void (await Promise.all([leases.stop(), rest.stop()])) };
}

async function reportLag({ database, metrics }: Services): Promise<void> {
  for (const { queue, due, oldestSeconds } of await inServiceTransaction(database, selectQueueLags)) {
    metrics.lag(queue, due, oldestSeconds);
  }
}
