import { AppError, isTerminal, type JobKind, type JobPayload } from "@genq/contract";
import { getTask, presentTask, type SubmittedRow, submitTask } from "@genq/core/tasks";
import { readWebhookUrl } from "@genq/core/webhooks";
import type { Context } from "hono";
import type { ApiDeps, ApiVariables } from "../deps.ts";
import { answerResult, answerSubmitted, locateTask } from "./answer-task.ts";
import { markReplayed, readIdempotency } from "./idempotency.ts";
import { readPrefer } from "./prefer.ts";

/** How long a route that promises the result itself waits for it, unless the client says otherwise. */
export const syncWaitSeconds = 30;

export interface Work<Kind extends JobKind> {
  kind: Kind;
  payload: JobPayload<Kind>;
  /** Seconds to wait when the client says nothing. */
  waitSeconds: number;
  /** What a task that is done by then is answered with. */
  answer: "result" | "task";
}

/** Submits work, waits for it as the client prefers, and answers with what came of it, or 202. */
export async function submitWork<Kind extends JobKind>(
  c: Context<ApiVariables>,
  deps: ApiDeps,
  work: Work<Kind>,
): Promise<Response> {
  const userId = c.get("userId");
  const { kind, payload } = work;
  if ("webhook" in payload && payload.webhook !== undefined) {
    readWebhookUrl(deps.webhookPolicy, payload.webhook.url);
  }
  const idempotency = readIdempotency(c, payload);
  const submitted = await submitTask(deps, { userId, kind, payload, idempotency });
  if (!submitted.replayed) deps.metrics.tasksAccepted.inc({ kind });
  markReplayed(c, submitted.replayed);
  const waited = await waitForTask(c, deps, submitted, work.waitSeconds);
  // Whoever did not ask to wait gets the answer of the first time again, also when the task is done by now.
  const asksForTask = work.answer === "task" && !readPrefer(c.req.header("prefer")).waitSeconds;
  if (asksForTask || !isTerminal(waited.task.status)) return answerSubmitted(c, waited);
  locateTask(c, waited.task.id);
  return work.answer === "result" ? answerResult(c, waited.task) : c.json(presentTask(waited.task), 200);
}

/** Waits for a submitted task as `Prefer` asks, and returns it as it is then. */
export async function waitForTask(
  c: Context<ApiVariables>,
  deps: ApiDeps,
  submitted: SubmittedRow,
  defaultSeconds: number,
): Promise<SubmittedRow> {
  const { waitSeconds } = readPrefer(c.req.header("prefer"));
  if (waitSeconds !== undefined) {
    c.header("preference-applied", waitSeconds === 0 ? "respond-async" : `wait=${waitSeconds}`);
  }
  const seconds = waitSeconds ?? defaultSeconds;
  const { task } = submitted;
  if (seconds === 0 || isTerminal(task.status)) return submitted;
  try {
    await deps.watcher.wait(task.id, { timeoutMs: seconds * 1000, signal: c.req.raw.signal });
    return { ...submitted, task: await getTask(deps, c.get("userId"), task.id) };
  } catch (error) {
    // It was accepted, whatever happens to the database after: an error would make the client submit it again.
    if (error instanceof AppError && error.code === "database_unavailable") return submitted;
    throw error;
  }
}
