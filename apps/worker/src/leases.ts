import { type Claim, type Database, inServiceTransaction, renewLeases } from "@genq/core/db";
import { ClaimLostError } from "./claim-lost.ts";

/** How long a worker may be silent before its tasks are another's. */
export const leaseMs = 10_000;
/** Also how soon a cancellation is seen. */
const renewEveryMs = 500;
/** Three rounds fit into a lease, so that one lost connection does not cost it. */
const renewTimeoutMs = 2500;

/** The claims that this worker holds. */
export interface Leases {
  /** Renews a claim until it is let go. Its run is aborted with a ClaimLostError as soon as the claim is lost. */
  hold(claim: Claim, run: AbortController): { letGo(): void };
  held(): number;
  /** Aborts all runs. */
  abortAll(reason: Error): void;
  close(): void;
}

/**
 * Renews all leases in one statement twice a second. A claim that the database does not give back is lost or canceled. While
 * the database is away the runs go on: their writes are fenced, and the first answer tells what became of them.
 */
export function createLeases(options: {
  database: Database;
  onError: (error: unknown) => void;
  leaseMs?: number;
  renewEveryMs?: number;
}): Leases {
  const { database, onError } = options;
  const running = new Map<string, { claim: Claim; run: AbortController }>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const schedule = () => {
    if (closed || timer !== undefined || running.size === 0) return;
    timer = setTimeout(() => void renew(), options.renewEveryMs ?? renewEveryMs);
  };
  const renew = async () => {
    const round = [...running];
    try {
      const claims = round.map(([, { claim }]) => claim);
      const kept = new Set(
        (
          await inServiceTransaction(
            database,
            (sql) => renewLeases(sql, claims, options.leaseMs ?? leaseMs),
            { timeoutMs: renewTimeoutMs },
          )
        ).map(keyOf),
      );
      for (const [key, { run }] of round) {
        if (kept.has(key) || !running.has(key)) continue;
        running.delete(key);
        run.abort(new ClaimLostError("The claim was taken over or the task was canceled."));
      }
    } catch (error) {
      onError(error);
    } finally {
      timer = undefined;
      schedule();
    }
  };

  return {
    hold: (claim, run) => {
      const key = keyOf(claim);
      running.set(key, { claim, run });
      schedule();
      return { letGo: () => void running.delete(key) };
    },
    held: () => running.size,
    abortAll: (reason) => {
      for (const { run } of running.values()) run.abort(reason);
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function keyOf(claim: Claim): string {
  return `${claim.taskId}-${claim.attempt}`;
}
