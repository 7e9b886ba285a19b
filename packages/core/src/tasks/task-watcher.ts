import { isTerminal, taskStatuses } from "@genq/contract";
import { z } from "zod";
import { type Database, inServiceTransaction, selectTaskSignals } from "../db/index.ts";

/** Lets many requests wait for tasks at the price of one query per round, on any Postgres and without LISTEN. */
export interface TaskWatcher {
  /**
   * Resolves when the task is terminal, was last changed at another time than `changedSince`, is gone, or `timeoutMs` is over, or the signal aborts:
   * read the row then. @throws AppError database_unavailable
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
  since: number;
  deadline: NodeJS.Timeout;
  unlisten: () => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** A fresh waiter is looked after closely: short work answers fast, and long work costs little. */
const roundsMs = { fresh: 15, settled: 150, freshFor: 3000 };

const statusSchema = z.enum(taskStatuses);

export function createTaskWatcher(database: Database): TaskWatcher {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;
  let polling = false;
  let closed = false;

  const forget = (waiter: Waiter) => {
    waiters.delete(waiter);
    clearTimeout(waiter.deadline);
    waiter.unlisten();
  };
  const settle = (waiter: Waiter) => {
    forget(waiter);
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
        // Not only later: a transaction writes the time it began at, and may end after one that began later.
        const changed =
          waiter.changedSince !== undefined && signal?.updatedAt.getTime() !== waiter.changedSince.getTime();
        if (signal === undefined || changed || isTerminal(statusSchema.parse(signal.status))) settle(waiter);
      }
    } catch (error) {
      for (const waiter of round) {
        forget(waiter);
        waiter.reject(error);
      }
    } finally {
      polling = false;
      schedule();
    }
  };

  return {
    wait: (taskId, options) =>
      new Promise((resolve, reject) => {
        if (closed || options.timeoutMs <= 0 || options.signal?.aborted === true) return resolve();
        const { changedSince, signal, timeoutMs } = options;
        const end = () => settle(waiter);
        const waiter: Waiter = {
          taskId,
          changedSince,
          since: Date.now(),
          deadline: setTimeout(end, timeoutMs),
          unlisten: () => signal?.removeEventListener("abort", end),
          resolve,
          reject,
        };
        waiters.add(waiter);
        signal?.addEventListener("abort", end);
        schedule();
      }),
    close: () => {
      closed = true;
      clearTimeout(timer);
      for (const waiter of waiters) settle(waiter);
    },
  };
}
