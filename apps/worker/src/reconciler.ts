import { queueNames } from "@genq/contract";
import {
  deleteOldIdempotencyKeys,
  inServiceTransaction,
  selectQueueLags,
  takeSilentTasks,
} from "@genq/core/db";
import { sweepObjects } from "@genq/core/files";
import { type Repetition, repeat } from "./repeat.ts";
import type { Services } from "./services.ts";

const everyMs = 5000;
/** How long a task may wait after its last ring. Until then the ring is most likely in the queue. */
const silentMs = 15_000;
const ringsPerRound = 200;
const keysEveryMs = 600_000;

/**
 * Sets right what a lost ring, a killed worker or a crash between two steps left: rings for tasks that are silent or
 * abandoned, deletes objects that nobody needs and old idempotency keys. Any number of workers may do so.
 */
export function startReconciler(services: Services): Repetition {
  const { log, metrics } = services;
  let keysAt = performance.now() + Math.random() * keysEveryMs;
  const step = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      log.warn({ err: error, step: name }, "reconciling failed");
    }
  };
  return repeat(everyMs, async () => {
    await step("rings", async () => {
      const rung = await ringSilentTasks(services);
      if (rung > 0) log.info({ tasks: rung }, "rang again");
      metrics.rang(rung);
    });
    await step("lag", () => reportLag(services));
    await step("objects", async () => metrics.swept(await sweepObjects(services)));
    if (performance.now() >= keysAt) {
      keysAt = performance.now() + keysEveryMs;
      await step("keys", () => inServiceTransaction(services.database, deleteOldIdempotencyKeys));
    }
    metrics.reconciled();
  });
}

/** Rings for silent tasks. Stops at the first ring that is not heard: the rest is silent again later. */
export async function ringSilentTasks(
  { database, queues }: Pick<Services, "database" | "queues">,
  options = { silentMs, limit: ringsPerRound },
): Promise<number> {
  const rings = await inServiceTransaction(database, (sql) => takeSilentTasks(sql, options));
  let heard = 0;
  for (const ring of rings) {
    if (!(await queues.ring(ring))) break;
    heard++;
  }
  return heard;
}

async function reportLag({ database, metrics }: Services): Promise<void> {
  const lags = new Map(
    (await inServiceTransaction(database, selectQueueLags)).map((lag) => [lag.queue, lag]),
  );
  for (const queue of queueNames) {
    const { due, oldestSeconds } = lags.get(queue) ?? { due: 0, oldestSeconds: 0 };
    metrics.lag(queue, due, oldestSeconds);
  }
}
