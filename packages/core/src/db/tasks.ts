import { createProblem, type JobKind, jobCatalog, type ListTasksQuery, type Problem } from "@genq/contract";
import { decodeCursor, encodeCursor, positionOf } from "./cursor.ts";
import type { Transaction } from "./database.ts";
import { type ListedTaskRow, listedTaskRowSchema, type TaskRow, taskRowSchema } from "./rows.ts";

const listedColumns = [
  "id",
  "user_id",
  "kind",
  "queue",
  "status",
  "problem",
  "progress",
  "file_id",
  "attempt",
  "life",
  "life_attempts",
  "unreported_attempts",
  "created_at",
  "updated_at",
  "started_at",
  "finished_at",
  "expires_at",
];
const columns = [...listedColumns, "payload", "result"];

export interface NewTask {
  id: string;
  userId: string;
  kind: JobKind;
  payload: unknown;
  fileId: string | null;
  /** Told when the task has ended. */
  webhookUrl?: string | undefined;
}

export async function insertTask(sql: Transaction, task: NewTask): Promise<TaskRow> {
  const { queue, limits } = jobCatalog[task.kind];
  const rows = await sql`
    insert into tasks (id, user_id, kind, queue, payload, file_id, webhook_url, expires_at)
    values (${task.id}, ${task.userId}, ${task.kind}, ${queue}, ${sql.json(toJson(task.payload))}, ${task.fileId},
      ${task.webhookUrl ?? null}, now() + make_interval(secs => ${limits.waitSeconds}))
    returning ${sql(columns)}`;
  return taskRowSchema.parse(rows[0]);
}

export async function selectTask(sql: Transaction, userId: string, id: string): Promise<TaskRow | undefined> {
  const rows = await sql`select ${sql(columns)} from tasks where id = ${id} and user_id = ${userId}`;
  return rows.map((row) => taskRowSchema.parse(row))[0];
}

/** One page of a user's tasks, newest first, without payloads and results. */
export async function selectTasks(
  sql: Transaction,
  userId: string,
  query: ListTasksQuery,
): Promise<{ rows: ListedTaskRow[]; nextCursor: string | null }> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const rows = await sql`
    select ${sql(listedColumns)}, ${positionOf(sql)} as position from tasks
    where user_id = ${userId}
      ${query.status === undefined ? sql`` : sql`and status = ${query.status}`}
      ${query.kind === undefined ? sql`` : sql`and kind = ${query.kind}`}
      ${after === undefined ? sql`` : sql`and (created_at, id) < (${after.createdAt}::timestamptz, ${after.id})`}
    order by created_at desc, id desc limit ${query.limit + 1}`;
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  return {
    rows: rows.slice(0, query.limit).map((row) => listedTaskRowSchema.parse(row)),
    nextCursor:
      last === undefined
        ? null
        : encodeCursor({ createdAt: String(last["position"]), id: String(last["id"]) }),
  };
}

/**
 * Queued and running work becomes `canceled`, and the file that it was for `failed`; a terminal task stays what it is.
 * Returns the task as it is now.
 */
export async function cancelTask(sql: Transaction, userId: string, id: string): Promise<TaskRow | undefined> {
  const canceled = await sql`
    update tasks set status = 'canceled', finished_at = now(), updated_at = now(), lease_until = null
    where id = ${id} and user_id = ${userId} and status in ('queued', 'processing') returning id`;
  if (canceled.length > 0) {
    const problem = createProblem("task_canceled", "The task that reads the file was canceled.");
    await failFileOfTask(sql, id, problem);
  }
  return selectTask(sql, userId, id);
}

/** The file that a task was for has failed with it. The transaction must be its owner's. */
export async function failFileOfTask(sql: Transaction, taskId: string, problem: Problem): Promise<void> {
  await sql`
    update files set status = 'failed', problem = ${sql.json(toJson(problem))}, updated_at = now()
    where task_id = ${taskId} and status not in ('ready', 'partial')`;
}

/** Cancels what still runs for a file that goes away. */
export async function cancelTasksOfFile(sql: Transaction, userId: string, fileId: string): Promise<void> {
  await sql`
    update tasks set status = 'canceled', finished_at = now(), updated_at = now(), lease_until = null
    where file_id = ${fileId} and user_id = ${userId} and status in ('queued', 'processing')`;
}

/** Starts a failed task's next life. Undefined when the task is not the user's or not failed. */
export async function retryTask(
  sql: Transaction,
  userId: string,
  task: TaskRow,
): Promise<TaskRow | undefined> {
  const { limits } = jobCatalog[task.kind];
  const rows = await sql`
    update tasks set status = 'queued', life = life + 1, life_attempts = 0, unreported_attempts = 0, problem = null,
      progress = null, started_at = null, finished_at = null, rung_at = null, run_after = now(), updated_at = now(),
      turn = null,
      expires_at = now() + make_interval(secs => ${limits.waitSeconds})
    where id = ${task.id} and user_id = ${userId} and status = 'failed'
    returning ${sql(columns)}`;
  return rows.map((row) => taskRowSchema.parse(row))[0];
}

/** Deletes a finished task. False when there is none that is finished. */
export async function deleteFinishedTask(sql: Transaction, userId: string, id: string): Promise<boolean> {
  const rows = await sql`
    delete from tasks where id = ${id} and user_id = ${userId}
      and status in ('completed', 'failed', 'canceled', 'expired') returning id`;
  return rows.length > 0;
}

export async function selectQueueState(
  sql: Transaction,
  taskId: string,
): Promise<{ ahead: number; etaSeconds: number | null }> {
  const [row] = await sql<
    { ahead: number; eta_seconds: number | null }[]
  >`select * from queue_state(${taskId})`;
  return { ahead: row?.ahead ?? 0, etaSeconds: row?.eta_seconds ?? null };
}

/** Status and time of the last change of some tasks, whoever owns them: for those who wait, who ask for the row after. */
export async function selectTaskSignals(
  sql: Transaction,
  ids: string[],
): Promise<{ id: string; status: string; updatedAt: Date }[]> {
  const rows = await sql<
    { id: string; status: string; updated_at: Date }[]
  >`select * from task_signals(${ids}::uuid[])`;
  return rows.map((row) => ({ id: row.id, status: row.status, updatedAt: row.updated_at }));
}

export { columns as taskColumns, listedColumns as listedTaskColumns };

/** What came through a zod schema or is a problem is JSON; the driver's own type can't know. */
export function toJson(value: unknown): never {
  return value as never;
}
