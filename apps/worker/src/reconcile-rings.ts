import { queueNames } from "@genq/contract";
import {
  countDueTasks,
  expireTasks,
  inServiceTransaction,
  takeBackAbandoned,
  takeSilentTasks,
} from "@genq/core/db";
import { ringsEnough } from "@genq/core/queue";
import type { Services } from "./services.ts";

type RingServices = Pick<Services, "database" | "queues" | "metrics">;

/** How long a task may be due without a ring of its own. Until then its submitter's ring is most likely on its way. */
const silentMs = 5000;
const tasksPerRound = 500;

/** Takes back what workers left whose lease ran out, rings for it, and quarantines what did so too often. */
export async function takeBackTasks({ database, queues, metrics }: RingServices): Promise<number> {
  const { requeued, poisoned } = await inServiceTransaction(database, (sql) =>
    takeBackAbandoned(sql, tasksPerRound),
  );
  metrics.requeued(requeued.length);
  metrics.poisoned(poisoned.length);
  for (const queue of queueNames) {
    const rings = requeued.filter((ring) => ring.queue === queue);
    if (rings.length > 0) await queues.ringAll(queue, rings);
  }
  return requeued.length + poisoned.length;
}

/** Ends what waited too long, also in queues that no worker answers. */
export async function expireOverdue({ database, metrics }: RingServices): Promise<number> {
  const expired = await inServiceTransaction(database, (sql) => expireTasks(sql, tasksPerRound));
  metrics.expired(expired);
  return expired;
}

/** Rings for silent tasks of queues that have fewer rings than work. Rings that are not heard are tried again later. */
export async function ringForSilent(
  { database, queues, metrics }: RingServices,
  options = { silentMs },
): Promise<number> {
  let rang = 0;
  for (const queue of queueNames) {
    const waiting = await queues.waiting(queue);
    if (waiting === undefined) continue;
    const rings = await inServiceTransaction(database, async (sql) => {
      const due = await countDueTasks(sql, queue, ringsEnough);
      const limit = due - waiting;
      return limit > 0 ? takeSilentTasks(sql, queue, { silentMs: options.silentMs, limit }) : [];
    });
    if (rings.length > 0) rang += await queues.ringAll(queue, rings);
  }
  metrics.rang(rang);
  return rang;
}
