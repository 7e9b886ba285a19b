import { isTerminal, taskStatuses } from "@genq/contract";
import { z } from "zod";
import { type Database, inServiceTransaction, selectTaskSignals } from "../db/index.ts";

/** Lets many requests wait for tasks at the price of one query per round, on any Postgres and without LISTEN. */
export interface TaskWatcher {
  /**
   * Resolves when the task is terminal, was changed after `changedSince`, is gone, or `timeoutMs` is over, or the signal aborts:
   * read the row then.
   */
  wait(
    taskId: string,
    options: { timeoutMs: number; changedSince?: Date; signal?: AbortSignal },
  ): Promise<void>;
  close(): void;
}

interface Waiter {
  taskId: string;
  changedSince: Date | undefined;
  deadline: number;
  since: number;
  resolve: () => void;
}

/** A fresh waiter is looked after closely: short work answers fast, and long work costs little. */
const roundsMs = { fresh: 15, settled: 150, freshFor: 3000 };

const statusSchema = z.enum(taskStatuses);

export function createTaskWatcher(database: Database): TaskWatcher {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;
  let polling = false;
  let closed = false;

  const settle = (waiter: Waiter) => {
    waiters.delete(waiter);
    waiter.resolve();
  };
  const schedule = () => {
    if (closed || polling || waiters.size === 0 || timer !== undefined) return;
    const now = Date.now();
    const fresh = [...waiters].some((waiter) => now - waiter.since < roundsMs.freshFor);
    timer = setTimeout(poll, fresh ? roundsMs.fresh : roundsMs.settled);
  };
  const poll = async () => {
    timer = undefined;
    polling = true;
    const round = [...waiters];
    try {
      const ids = [...new Set(round.map((waiter) => waiter.taskId))];
      const signals = new Map(
        (await inServiceTransaction(database, (sql) => selectTaskSignals(sql, ids))).map((row) => [
          row.id,
          row,
        ]),
      );
      for (const waiter of round) {
        const signal = signals.get(waiter.taskId);
        const changed =
          signal !== undefined && waiter.changedSince !== undefined && signal.updatedAt > waiter.changedSince;
        if (signal === undefined || changed || isTerminal(statusSchema.parse(signal.status))) settle(waiter);
      }
    } catch {
      // The database is away: who waits asks again until their own deadline.
    } finally {
      polling = false;
      const now = Date.now();
      for (const waiter of waiters) if (waiter.deadline <= now) settle(waiter);
      schedule();
    }
  };

  return {
    wait: (taskId, options) =>
      new Promise((resolve) => {
        if (closed || options.timeoutMs <= 0 || options.signal?.aborted === true) return resolve();
        const now = Date.now();
        const waiter: Waiter = {
          taskId,
          changedSince: options.changedSince,
          deadline: now + options.timeoutMs,
          since: now,
          resolve,
        };
        waiters.add(waiter);
        options.signal?.addEventListener("abort", () => settle(waiter), { once: true });
        schedule();
      }),
    close: () => {
      closed = true;
      clearTimeout(timer);
      for (const waiter of waiters) settle(waiter);
    },
  };
}
