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
 * workers may do so. What fails is tried after growing pauses, and holds up nothing else: storage may be away alone.
 */
export function startReconciler(services: Services): Pick<Repetition, "stop"> {
  const { database, log, metrics } = services;
  const every = (ms: number, step: string, work: () => Promise<unknown>) =>
    repeat(ms, async () => {
      try {
        const tasks = await work();
        if (typeof tasks === "number" && tasks > 0) log.info({ step, tasks }, "reconciled");
      } catch (error) {
        log.warn({ err: error, step }, "reconciling failed");
        throw error;
      }
    });
  const steps = [
    every(leasesEveryMs, "leases", () => takeBackTasks(services)),
    every(leasesEveryMs, "expiry", () => expireOverdue(services)),
    every(everyMs, "rings", async () => {
      const rang = await ringForSilent(services);
      metrics.reconciled();
      return rang;
    }),
    every(everyMs, "lag", () => reportLag(services)),
    every(everyMs, "objects", async () => metrics.swept(await sweepObjects(services))),
    every(keysEveryMs, "keys", () => inServiceTransaction(database, deleteOldIdempotencyKeys)),
  ];
  return { stop: async () => void (await Promise.all(steps.map((step) => step.stop()))) };
}

async function reportLag({ database, metrics }: Services): Promise<void> {
  for (const { queue, due, oldestSeconds } of await inServiceTransaction(database, selectQueueLags)) {
    metrics.lag(queue, due, oldestSeconds);
  }
}
