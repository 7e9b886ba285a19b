import { AppError, isTerminal, type ListTasksQuery } from "@genq/contract";
import {
  cancelTask as cancelRow,
  deleteFinishedTask,
  fillIdempotencyKey,
  hasQueueRoom,
  inUserTransaction,
  type ListedTaskRow,
  resetFile,
  retryTask as retryRow,
  selectQueueState,
  selectTask,
  selectTasks,
  type TaskRow,
} from "../db/index.ts";
import { type Idempotency, queueLimitReached, replayTask, ringForTask } from "./submit-task.ts";
import type { SubmittedRow, TaskServices } from "./task-services.ts";

/** @throws AppError not_found, also for another user's task */
export async function getTask(services: TaskServices, userId: string, id: string): Promise<TaskRow> {
  return found(await inUserTransaction(services.database, userId, (sql) => selectTask(sql, userId, id)));
}

/** One page of a user's tasks, newest first, without payloads and results. @throws AppError invalid_request for a foreign cursor */
export function listTasks(
  services: TaskServices,
  userId: string,
  query: ListTasksQuery,
): Promise<{ rows: ListedTaskRow[]; nextCursor: string | null }> {
  return inUserTransaction(services.database, userId, (sql) => selectTasks(sql, userId, query));
}

/** Cancels queued or running work; a task that has ended stays as it is. @throws AppError not_found */
export async function cancelTask(services: TaskServices, userId: string, id: string): Promise<TaskRow> {
  return found(await inUserTransaction(services.database, userId, (sql) => cancelRow(sql, userId, id)));
}

/** Starts the next life of a failed task. @throws AppError not_found, task_not_retryable, idempotency_mismatch, queue_limit_reached */
export async function retryTask(
  services: TaskServices,
  userId: string,
  id: string,
  idempotency?: Idempotency,
): Promise<SubmittedRow> {
  const submitted = await inUserTransaction(services.database, userId, async (sql) => {
    const hasRoom = await hasQueueRoom(sql, userId, services.maxQueuedTasks);
    const replay = idempotency && (await replayTask(sql, userId, idempotency));
    if (replay !== undefined) return { task: replay, queue: await selectQueueState(sql, id), replayed: true };
    const task = found(await selectTask(sql, userId, id));
    if (!hasRoom) throw queueLimitReached(services);
    const retried = await retryRow(sql, userId, task);
    if (retried === undefined) {
      throw new AppError(
        "task_not_retryable",
        `The task is ${task.status}; only a failed task can be retried. ${insteadOfRetry(task)}`,
      );
    }
    if (retried.kind === "ingest") {
      if (retried.fileId === null) {
        throw new AppError(
          "task_not_retryable",
          "The file that the task was for was deleted. Upload it again.",
        );
      }
      await resetFile(sql, userId, retried.fileId);
    }
    if (idempotency !== undefined) {
      await fillIdempotencyKey(sql, userId, idempotency.key, { taskId: id, fileId: null });
    }
    return { task: retried, queue: await selectQueueState(sql, id), replayed: false };
  });
  if (!submitted.replayed) await ringForTask(services, submitted.task);
  return submitted;
}

function insteadOfRetry({ status, kind }: TaskRow): string {
  if (status === "completed") return "Read its result, or submit the work anew.";
  if (!isTerminal(status)) return "Wait until it ends.";
  return kind === "ingest" ? "Upload the file again." : "Submit the same work as a new task.";
}

/** Deletes a finished task and its result. @throws AppError not_found, task_not_finished */
export async function deleteTask(services: TaskServices, userId: string, id: string): Promise<void> {
  await inUserTransaction(services.database, userId, async (sql) => {
    if (await deleteFinishedTask(sql, userId, id)) return;
    const task = found(await selectTask(sql, userId, id));
    if (!isTerminal(task.status)) {
      throw new AppError("task_not_finished", `The task is ${task.status}. Cancel it before you delete it.`);
    }
  });
}

function found(task: TaskRow | undefined): TaskRow {
  if (task === undefined) throw new AppError("not_found", "There is no such task.");
  return task;
}
