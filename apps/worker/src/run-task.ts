import {
  AppError,
  type JobKind,
  type JobPayload,
  jobCatalog,
  poisonedProblem,
  type QueueName,
  unreportedAttemptsLimit,
} from "@genq/contract";
import { completeTask, failTask, releaseTask, type TaskRow, writeProgress } from "@genq/core/db";
import { delayAfter, overloadBackoff } from "./backoff.ts";
import { ClaimLostError, ShutdownError } from "./claim-lost.ts";
import type { Completions } from "./completions.ts";
import type { Run } from "./handlers/handler.ts";
import type { Handlers } from "./handlers/handlers.ts";
import { inClaim } from "./in-claim.ts";
import type { Leases } from "./leases.ts";
import type { RunOutcome } from "./metrics.ts";
import { failureOf } from "./problem-of.ts";
import { inferenceOfRun } from "./run-inference.ts";
import type { Services } from "./services.ts";

export interface TaskRunner extends Services {
  handlers: Handlers;
  leases: Leases;
  /** Told of each claim; returns what to call when its run has ended. */
  claimed: (queue: QueueName) => () => void;
  completions: Completions;
  /** Aborts when the worker must end: a report that the database did not hear by then is left to the lease. */
  ending: AbortSignal;
}

/** A ring for a later run comes this much after its time, so that the clocks of queue and database may differ. */
const ringSlackMs = 150;

/**
 * Does the work of a claimed task, and reports the outcome if the claim is still held. `drained`: its queue was seen to
 * hold nothing more to claim.
 */
export async function runTask(runner: TaskRunner, task: TaskRow): Promise<{ drained: boolean }> {
  const controller = new AbortController();
  const claim = { taskId: task.id, attempt: task.attempt };
  const lease = runner.leases.hold(claim, controller);
  const ended = runner.claimed(task.queue);
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
  let drained = false;
  try {
    const alone = task.unreportedAttempts > 0;
    const inference = inferenceOfRun(runner.inference, { signal: controller.signal, alone });
    const finish = await work({ ...runner, inference }, task, task.kind, run);
    clearTimeout(deadline);
    drained = await finish(writeWith(runner.ending));
    status = "completed";
  } catch (thrown) {
    error = controller.signal.aborted ? controller.signal.reason : thrown;
    // What the run still has under way, such as the next batch, is for nothing now.
    controller.abort();
    status = await settle(runner, task, error, writeWith(runner.ending));
  } finally {
    clearTimeout(deadline);
    lease.letGo();
    ended();
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
      ...(status === "failed" || status === "retried" ? describe(task.kind, error) : {}),
    },
    "task run",
  );
  return { drained };
}

/**
 * Runs the handler of a kind. Resolves how to complete the task, its effects and its result in one transaction, and tell
 * whether the queue was seen to be drained.
 */
async function work<Kind extends JobKind>(
  runner: TaskRunner,
  task: TaskRow,
  kind: Kind,
  run: Run,
): Promise<(write: Run["write"]) => Promise<boolean>> {
  // The row's payload was parsed by its kind's schema; the two are tied in the row, not in its type.
  const finished = await runner.handlers[kind](runner, run, task.payload as JobPayload<Kind>);
  const result = jobCatalog[kind].result.parse(finished.result) as typeof finished.result;
  const { commit } = finished;
  if (commit === undefined) {
    return (write) => runner.completions.complete({ claim: run.claim, queue: task.queue }, result, write);
  }
  return (write) =>
    write(async (sql) => {
      await commit(sql);
      await completeTask<Kind>(sql, run.claim, result);
      return false;
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
    const { problem, retryable, unreported } = failureOf(task.kind, error);
    if (problem.code === "overloaded") {
      // No fault of the task, and no work was done: it costs no attempt. Its deadline in the queue bounds it.
      const delayMs = delayAfter(task.attempt, overloadBackoff);
      await write((sql) => releaseTask(sql, claim, { delayMs, counted: false }));
      await runner.queues.ring({ ...claim, queue: task.queue, delayMs: delayMs + ringSlackMs });
      return "retried";
    }
    const { attempts, backoff } = jobCatalog[task.kind].retry;
    const unreportedAttempts = task.unreportedAttempts + (unreported ? 1 : 0);
    if (unreportedAttempts >= unreportedAttemptsLimit) {
      await write((sql) => failTask(sql, claim, poisonedProblem(unreportedAttempts), { unreported }));
      return "failed";
    }
    const reported = task.lifeAttempts - unreportedAttempts;
    if (!unreported && (!retryable || reported >= attempts)) {
      await write((sql) => failTask(sql, claim, problem));
      return "failed";
    }
    const delayMs = delayAfter(task.lifeAttempts, backoff);
    await write((sql) => releaseTask(sql, claim, { delayMs, counted: true, unreported }));
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
function describe(kind: JobKind, error: unknown): { code: string } | { code: string; err: unknown } {
  const { code } = failureOf(kind, error).problem;
  return code === "internal_error" ? { code, err: error } : { code };
}
