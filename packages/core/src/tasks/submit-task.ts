import { randomUUID } from "node:crypto";
import { AppError, type JobKind, type JobPayload } from "@genq/contract";
import {
  fillIdempotencyKey,
  hasQueueRoom,
  hasTaskWebhookSecret,
  insertTask,
  inUserTransaction,
  selectQueueState,
  selectTask,
  type TaskRow,
  type Transaction,
  takeIdempotencyKey,
} from "../db/index.ts";
import { assertSearchable } from "../files/manage-files.ts";
import { submitInGroup } from "./submit-group.ts";
import type { SubmittedRow, TaskServices } from "./task-services.ts";

/** An `Idempotency-Key` with the hash of the request that it came with. */
export interface Idempotency {
  key: string;
  requestHash: string;
}

/** Longer payloads gain nothing from company, and would make a group a heavy statement. */
const groupedPayloadLength = 16_384;

interface SubmitRequest<Kind extends JobKind> {
  userId: string;
  kind: Kind;
  payload: JobPayload<Kind>;
  idempotency?: Idempotency | undefined;
}

interface SplitRequest extends Omit<SubmitRequest<JobKind>, "payload"> {
  payload: TaskRow["payload"];
  webhookUrl: string | undefined;
}

/**
 * Writes a task and its idempotency key in one transaction, then rings the queue with a bounded wait. The task is
 * accepted whether or not the ring was heard. Files that it names must be there now; a replay does not ask again.
 * @throws AppError idempotency_mismatch, queue_limit_reached, webhook_secret_missing, not_found or file_not_ready for one of `file_ids`
 */
export async function submitTask<Kind extends JobKind>(
  services: TaskServices,
  request: SubmitRequest<Kind>,
): Promise<SubmittedRow> {
  const split = { ...request, ...splitWebhook(request.payload) };
  const submitted = (await submitTogether(services, split)) ?? (await submitAlone(services, split));
  if (!submitted.replayed) await ringForTask(services, submitted.task);
  return submitted;
}

/** In a group with other requests. Undefined where only a transaction of its own can tell what becomes of a request. */
async function submitTogether(
  services: TaskServices,
  { userId, kind, payload, webhookUrl, idempotency }: SplitRequest,
): Promise<SubmittedRow | undefined> {
  if (webhookUrl !== undefined) return undefined;
  if ("file_ids" in payload && payload.file_ids !== undefined) return undefined;
  if (JSON.stringify(payload).length > groupedPayloadLength) return undefined;
  try {
    return await submitInGroup(services, { id: randomUUID(), userId, kind, payload, idempotency });
  } catch (error) {
    if (error instanceof AppError && error.code === "database_unavailable") throw error;
    // What is wrong with one fails the whole group: alone, each gets its own answer.
    return undefined;
  }
}

function submitAlone(
  services: TaskServices,
  { userId, kind, payload, webhookUrl, idempotency }: SplitRequest,
): Promise<SubmittedRow> {
  return inUserTransaction(services.database, userId, async (sql) => {
    const hasRoom = await hasQueueRoom(sql, userId, services.maxQueuedTasks);
    const replay = idempotency && (await replayTask(sql, userId, idempotency));
    if (replay !== undefined)
      return { task: replay, queue: await selectQueueState(sql, replay.id), replayed: true };
    if ("file_ids" in payload && payload.file_ids !== undefined) {
      await assertSearchable(sql, userId, payload.file_ids);
    }
    if (webhookUrl !== undefined) await assertTaskWebhookSecret(sql, userId);
    if (!hasRoom) throw queueLimitReached(services);
    const id = randomUUID();
    // Sent together, and run in this order: one way to the database instead of three.
    const [task, , queue] = await Promise.all([
      insertTask(sql, { id, userId, kind, payload, fileId: null, webhookUrl }),
      idempotency && fillIdempotencyKey(sql, userId, idempotency.key, { taskId: id, fileId: null }),
      selectQueueState(sql, id),
    ]);
    return { task, queue, replayed: false };
  });
}

/** What the task is for, and who is told when it has ended: that is no part of the work. */
function splitWebhook(request: JobPayload<JobKind>) {
  const { webhook, ...payload } = { webhook: undefined, ...request };
  return { payload, webhookUrl: webhook?.url };
}

/** @throws AppError webhook_secret_missing */
export async function assertTaskWebhookSecret(sql: Transaction, userId: string): Promise<void> {
  if (await hasTaskWebhookSecret(sql, userId)) return;
  throw new AppError(
    "webhook_secret_missing",
    "Make the secret that signs the webhooks of your tasks first: POST /webhooks/secret/rotate.",
  );
}

export function queueLimitReached({ maxQueuedTasks }: Pick<TaskServices, "maxQueuedTasks">): AppError {
  return new AppError(
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
