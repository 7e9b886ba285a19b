import { randomUUID } from "node:crypto";
import { AppError, type JobKind, type JobPayload } from "@genq/contract";
import {
  type Database,
  fillIdempotencyKey,
  hasQueueRoom,
  insertTask,
  inUserTransaction,
  selectQueueState,
  selectTask,
  type TaskRow,
  type Transaction,
  takeIdempotencyKey,
} from "../db/index.ts";
import { assertSearchable } from "../files/manage-files.ts";
import type { Queues } from "../queue/index.ts";

export interface TaskServices {
  database: Database;
  queues: Queues;
  /** How many tasks of one user may wait. */
  maxQueuedTasks: number;
}

/** An `Idempotency-Key` with the hash of the request that it came with. */
export interface Idempotency {
  key: string;
  requestHash: string;
}

export interface SubmittedRow {
  task: TaskRow;
  queue: { ahead: number; etaSeconds: number | null };
  /** The task was made by an earlier request with the same idempotency key. */
  replayed: boolean;
}

/**
 * Writes a task and its idempotency key in one transaction, then rings the queue with a bounded wait. The task is
 * accepted whether or not the ring was heard. Files that it names must be there now; a replay does not ask again.
 * @throws AppError idempotency_mismatch, queue_limit_reached, not_found or file_not_ready for one of `file_ids`
 */
export async function submitTask<Kind extends JobKind>(
  services: TaskServices,
  request: { userId: string; kind: Kind; payload: JobPayload<Kind>; idempotency?: Idempotency | undefined },
): Promise<SubmittedRow> {
  const { userId, kind, payload, idempotency } = request;
  const submitted = await inUserTransaction(services.database, userId, async (sql) => {
    const replay = idempotency && (await replayTask(sql, userId, idempotency));
    if (replay !== undefined)
      return { task: replay, queue: await selectQueueState(sql, replay.id), replayed: true };
    if ("file_ids" in payload && payload.file_ids !== undefined) {
      await assertSearchable(sql, userId, payload.file_ids);
    }
    await assertQueueRoom(sql, services, userId);
    const id = randomUUID();
    // Sent together, and run in this order: one way to the database instead of three.
    const [task, , queue] = await Promise.all([
      insertTask(sql, { id, userId, kind, payload, fileId: null }),
      idempotency && fillIdempotencyKey(sql, userId, idempotency.key, { taskId: id, fileId: null }),
      selectQueueState(sql, id),
    ]);
    return { task, queue, replayed: false };
  });
  if (!submitted.replayed) await ringForTask(services, submitted.task);
  return submitted;
}

/** @throws AppError queue_limit_reached */
export async function assertQueueRoom(
  sql: Transaction,
  { maxQueuedTasks }: Pick<TaskServices, "maxQueuedTasks">,
  userId: string,
): Promise<void> {
  if (await hasQueueRoom(sql, userId, maxQueuedTasks)) return;
  throw new AppError(
    "queue_limit_reached",
    `You have ${maxQueuedTasks} tasks waiting. Wait until some are done, or cancel some.`,
    { retryAfterSeconds: 10 },
  );
}

/** Takes the key, or finds the task that an earlier request with it made. */
export async function replayTask(
  sql: Transaction,
  userId: string,
  idempotency: Idempotency,
): Promise<TaskRow | undefined> {
  const record = await takeIdempotencyKey(sql, userId, idempotency.key, idempotency.requestHash);
  if (record === undefined) return undefined;
  assertSameRequest(record.requestHash, idempotency);
  const task = record.taskId === null ? undefined : await selectTask(sql, userId, record.taskId);
  if (task === undefined) throw mismatch();
  return task;
}

/** @throws AppError idempotency_mismatch when the key came with another request before */
export function assertSameRequest(requestHash: string, idempotency: Idempotency): void {
  if (requestHash !== idempotency.requestHash) throw mismatch();
}

function mismatch(): AppError {
  return new AppError(
    "idempotency_mismatch",
    "This Idempotency-Key was used with another request in the last 24 hours. Use a new key for a new request.",
  );
}

/** Rings for a queued task. When the ring is not heard, a reconciler rings again: the row is the truth. */
export async function ringForTask(services: TaskServices, task: TaskRow): Promise<void> {
  await services.queues.ring({ taskId: task.id, queue: task.queue, attempt: task.attempt });
}
