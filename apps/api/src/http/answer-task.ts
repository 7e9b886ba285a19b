import { AppError, isTerminal, type Problem, type SubmittedTask, type TaskStatus } from "@genq/contract";
import type { TaskRow } from "@genq/core/db";
import { presentSubmitted, presentTask, type SubmittedRow } from "@genq/core/tasks";
import type { Context } from "hono";
import type { ApiVariables } from "../deps.ts";
import { answerProblem } from "./answer-problem.ts";
import { answerTagged, tag } from "./etag.ts";

const longestRetryAfterSeconds = 30;

/** Seconds after which asking again makes sense: what the queue is thought to take, within bounds. */
export function retryAfterSeconds(etaSeconds: number | null): number {
  return Math.min(longestRetryAfterSeconds, Math.max(1, Math.ceil(etaSeconds ?? 1)));
}

/** 202: written down, and where to ask for it. */
export function answerSubmitted(
  c: Context<ApiVariables>,
  submitted: Omit<SubmittedRow, "replayed">,
): Response {
  const body: SubmittedTask = presentSubmitted(submitted);
  locateTask(c, body.id);
  c.header("retry-after", String(retryAfterSeconds(submitted.queue.etaSeconds)));
  return c.json(body, 202);
}

export function locateTask(c: Context<ApiVariables>, taskId: string): void {
  c.header("location", `/task/${taskId}`);
}

/** 200 or 304 with the task as it is, and when to ask again while it runs. */
export function answerTask(c: Context<ApiVariables>, task: TaskRow): Response {
  if (!isTerminal(task.status)) c.header("retry-after", "1");
  return answerTagged(c, tag(presentTask(task)));
}

/** 200 with a finished task's result alone; its problem, under the problem's own status, when it has none. */
export function answerResult(c: Context<ApiVariables>, task: TaskRow): Response {
  if (task.status === "completed") return c.json(task.result, 200);
  return answerProblem(c, { ...problemOf(task), request_id: c.get("requestId") });
}

function problemOf(task: TaskRow): Problem {
  return (
    task.problem ??
    new AppError("task_canceled", `The task is ${task.status satisfies TaskStatus}.`).toProblem()
  );
}
