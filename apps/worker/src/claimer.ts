import type { QueueName } from "@genq/contract";
import { type ClaimedAlong, type ClaimOptions, claimNext, type Database, type TaskRow } from "@genq/core/db";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** Claims for all slots of this worker. */
export interface Claimer {
  /**
   * Claims the next task of a queue in its fair order; undefined when there is none to claim now. `rung` is the task that
   * a ring named, to tell whether there is such a one.
   */
  next(queue: QueueName, rung?: string): Promise<TaskRow | undefined>;
  /** How tasks are claimed for this worker. */
  readonly terms: Pick<ClaimOptions, "leaseMs" | "runningPerUser">;
  /** Takes what was claimed for slots that are about to be free. */
  hand(claimed: Omit<ClaimedAlong, "drained">): void;
  /** A task that was handed in. Each slot must ask when its run has ended, for nobody else runs it. */
  handed(queue: QueueName): TaskRow | undefined;
}

export interface ClaimerOptions {
  database: Database;
  terms: Claimer["terms"];
  log: Logger;
  metrics: Pick<Metrics, "ringIgnored">;
}

interface Slot {
  rung: string | undefined;
  claim: PromiseWithResolvers<TaskRow | undefined>;
}

/** One claim at a time for each queue: the slots that ask meanwhile share the next one. */
export function createClaimer({ database, terms, log, metrics }: ClaimerOptions): Claimer {
  const waiting = new Map<QueueName, Slot[]>();
  const claiming = new Set<QueueName>();
  const handedIn = new Map<QueueName, TaskRow[]>();

  const tellUnreadable = (queue: QueueName, ids: readonly string[]) => {
    for (const id of ids) log.error({ task_id: id, queue }, "a task's row can't be read");
  };
  const claimFor = async (queue: QueueName, slots: readonly Slot[]) => {
    const rung = slots.flatMap((slot) => (slot.rung === undefined ? [] : [slot.rung]));
    const { tasks, unreadable, unknown } = await claimNext(database, queue, {
      ...terms,
      limit: slots.length,
      rung,
    });
    slots.forEach((slot, index) => void slot.claim.resolve(tasks[index]));
    tellUnreadable(queue, unreadable);
    for (const id of unknown) {
      metrics.ringIgnored("unknown_task");
      log.debug({ task_id: id, queue }, "a ring named no task of its queue");
    }
  };
  const claimAll = async (queue: QueueName) => {
    if (claiming.has(queue)) return;
    claiming.add(queue);
    for (let slots = waiting.get(queue) ?? []; slots.length > 0; slots = waiting.get(queue) ?? []) {
      waiting.set(queue, []);
      await claimFor(queue, slots).catch((error: unknown) => {
        for (const slot of slots) slot.claim.reject(error);
      });
    }
    claiming.delete(queue);
  };
  return {
    next: (queue, rung) => {
      const slot: Slot = { rung, claim: Promise.withResolvers() };
      waiting.set(queue, [...(waiting.get(queue) ?? []), slot]);
      void claimAll(queue);
      return slot.claim.promise;
    },
    terms,
    hand: ({ queue, tasks, unreadable }) => {
      handedIn.set(queue, [...(handedIn.get(queue) ?? []), ...tasks]);
      tellUnreadable(queue, unreadable);
    },
    handed: (queue) => handedIn.get(queue)?.shift(),
  };
}
