import { AppError, type JobKind, type JobPayload, jobCatalog } from "@genq/contract";
import {
  claimTask,
  completeTask,
  failTask,
  inServiceTransaction,
  releaseTask,
  type TaskRow,
  writeProgress,
} from "@genq/core/db";
import { delayAfter, taskBackoff } from "./backoff.ts";
import { ClaimLostError, ShutdownError } from "./claim-lost.ts";
import type { Run } from "./handlers/handler.ts";
import type { Handlers } from "./handlers/handlers.ts";
import { inClaim } from "./in-claim.ts";
import { type Leases, leaseMs } from "./leases.ts";
import type { RunOutcome } from "./metrics.ts";
import { failureOf } from "./problem-of.ts";
import type { Services } from "./services.ts";

export interface TaskRunner extends Services {
  handlers: Handlers;
  leases: Leases;
  /** Aborts when the worker must end: a report that the database did not hear by then is left to the lease. */
  ending: AbortSignal;
}

/** A ring for a later run comes this much after its time, so that the clocks of queue and database may differ. */
const ringSlackMs = 150;

/** Answers one ring: claims the task, does its work, and reports the outcome if the claim is still held. */
export async function runTask(runner: TaskRunner, taskId: string): Promise<void> {
  const outcome = await inServiceTransaction(runner.database, (sql) => claimTask(sql, taskId, leaseMs));
  if (!outcome.claimed) {
    const level = outcome.reason === "poisoned" || outcome.reason === "expired" ? "warn" : "debug";
    runner.log[level]({ task_id: taskId, reason: outcome.reason }, "ring without a claim");
    return;
  }
  const { task } = outcome;
  const controller = new AbortController();
  const claim = { taskId: task.id, attempt: task.attempt };
  const lease = runner.leases.hold(claim, controller);
  if (runner.ending.aborted) controller.abort(new ShutdownError("The worker is going down."));
  const deadline = setTimeout(() => controller.abort(tooLong(task.kind)), runSecondsOf(task.kind) * 1000);
  const startedAt = performance.now();
  const writeWith =
    (signal: AbortSignal): Run["write"] =>
    (work) =>
      inClaim(runner.database, { userId: task.userId, claim }, signal, work);
  const run: Run = {
    userId: task.userId,
    claim,
    signal: controller.signal,
    startedAt,
    write: writeWith(controller.signal),
    report: async (progress) => {
      await run.write((sql) => writeProgress(sql, claim, progress));
    },
  };
  let status: RunOutcome;
  let error: unknown;
  try {
    const finish = await work(runner, task.kind, run, task.payload);
    clearTimeout(deadline);
    await finish(writeWith(runner.ending));
    status = "completed";
  } catch (thrown) {
    error = controller.signal.aborted ? controller.signal.reason : thrown;
    status = await settle(runner, task, error, writeWith(runner.ending));
  } finally {
    clearTimeout(deadline);
    lease.letGo();
  }
  const ms = Math.round(performance.now() - startedAt);
  runner.metrics.ran(task.kind, status, ms);
  runner.log[status === "failed" || status === "unreported" ? "warn" : "info"](
    {
      task_id: task.id,
      kind: task.kind,
      attempt: task.attempt,
      status,
      ms,
      ...(status === "failed" || status === "retried" ? describe(error) : {}),
    },
    "task run",
  );
}

/** Runs the handler of a kind. Resolves how to complete the task, its effects and its result in one transaction. */
async function work<Kind extends JobKind>(
  runner: TaskRunner,
  kind: Kind,
  run: Run,
  payload: TaskRow["payload"],
): Promise<(write: Run["write"]) => Promise<void>> {
  // The row's payload was parsed by its kind's schema; the two are tied in the row, not in its type.
  const finished = await runner.handlers[kind](runner, run, payload as JobPayload<Kind>);
  const result = jobCatalog[kind].result.parse(finished.result) as typeof finished.result;
  return (write) =>
    write(async (sql) => {
      await finished.commit?.(sql);
      await completeTask<Kind>(sql, run.claim, result);
    });
}

/** Reports a run that did not complete. */
async function settle(
  runner: TaskRunner,
  task: TaskRow,
  error: unknown,
  write: Run["write"],
): Promise<RunOutcome> {
  const claim = { taskId: task.id, attempt: task.attempt };
  if (error instanceof ClaimLostError) return "lost";
  try {
    if (error instanceof ShutdownError) {
      await write((sql) => releaseTask(sql, claim, { delayMs: 0, counted: false }));
      await runner.queues.ring({ ...claim, queue: task.queue });
      return "given_back";
    }
    const { problem, retryable } = failureOf(error);
    const reported = task.lifeAttempts - task.unreportedAttempts;
    if (!retryable || reported >= jobCatalog[task.kind].limits.attempts) {
      await write((sql) => failTask(sql, claim, problem));
      return "failed";
    }
    const delayMs = delayAfter(reported, taskBackoff);
    await write((sql) => releaseTask(sql, claim, { delayMs, counted: true }));
    await runner.queues.ring({ ...claim, queue: task.queue, delayMs: delayMs + ringSlackMs });
    return "retried";
  } catch (reportError) {
    if (reportError instanceof ClaimLostError) return "lost";
    runner.log.error({ err: reportError, task_id: task.id }, "the outcome of a run could not be reported");
    return "unreported";
  }
}

function runSecondsOf(kind: JobKind): number {
  return jobCatalog[kind].limits.runSeconds;
}

function tooLong(kind: JobKind): AppError {
  return new AppError(
    "inference_timeout",
    `The run took longer than the ${runSecondsOf(kind)} s that it may.`,
  );
}

/** What the log tells of an error. Known errors tell their code; a surprise tells its stack, which is ours. */
function describe(error: unknown): { code: string } | { code: string; err: unknown } {
  const { code } = failureOf(error).problem;
  return code === "internal_error" ? { code, err: error } : { code };
}
