import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@genq/contract";
import {
  type Claim,
  type Database,
  errorCode,
  holdClaim,
  inUserTransaction,
  type Transaction,
} from "@genq/core/db";
import { databaseBackoff, delayAfter } from "./backoff.ts";
import { ClaimLostError } from "./claim-lost.ts";

/** Another transaction was in the way, and this one was rolled back. */
const conflictCodes = new Set(["40001", "40P01"]);

/**
 * Writes for a running claim: one transaction of the task's user that first locks the task's row. While the database
 * is away it tries again, until the signal aborts: an outage costs a task time, not an attempt.
 * @throws ClaimLostError when the claim is no longer held; then nothing was written
 */
export function inClaim<Result>(
  database: Database,
  holder: { userId: string; claim: Claim },
  signal: AbortSignal,
  work: (sql: Transaction) => Promise<Result>,
): Promise<Result> {
  return untilReached(signal, () =>
    inUserTransaction(database, holder.userId, async (sql) => {
      if (!(await holdClaim(sql, holder.claim))) throw new ClaimLostError("The claim is no longer held.");
      return work(sql);
    }),
  );
}

/** Tries again while the database is away, until the signal aborts. */
export async function untilReached<Result>(
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (signal.aborted) throw error;
      await sleep(delayAfter(failures, databaseBackoff), undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

/** Whether the same may end better a little later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof AppError) return error.code === "database_unavailable";
  return conflictCodes.has(errorCode(error) ?? "");
}
