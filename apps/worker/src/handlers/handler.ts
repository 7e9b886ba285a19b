import type { JobKind, JobPayload, JobResult, Progress } from "@genq/contract";
import type { Claim, Transaction } from "@genq/core/db";
import type { Services } from "../services.ts";

/** One run of a task by this worker. */
export interface Run {
  userId: string;
  claim: Claim;
  /** Aborts when the claim is lost, the task's time is over or the worker goes down. */
  signal: AbortSignal;
  /** `performance.now()` at the claim. */
  startedAt: number;
  /** Writes in one transaction of the task's user. @throws ClaimLostError, and then nothing was written */
  write<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result>;
  /** Tells how far the run is. @throws ClaimLostError */
  report(progress: Progress): Promise<void>;
}

interface Finished<Kind extends JobKind> {
  result: JobResult<Kind>;
  /** Effects that commit together with the task's completion. */
  commit?: (sql: Transaction) => Promise<void>;
}

/** Does the work of one kind. What it throws becomes the task's problem (`failureOf`). */
export type Handler<Kind extends JobKind> = (
  services: Services,
  run: Run,
  payload: JobPayload<Kind>,
) => Promise<Finished<Kind>>;
