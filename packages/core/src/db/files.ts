import type { FileStatus, ListFilesQuery, MediaType } from "@genq/contract";
import { decodeCursor, encodeCursor, positionOf } from "./cursor.ts";
import type { Transaction } from "./database.ts";
import { type FileRow, fileRowSchema } from "./rows.ts";
import { cancelTasksOfFile } from "./tasks.ts";

const columns = [
  "id",
  "user_id",
  "chat_id",
  "name",
  "media_type",
  "size_bytes",
  "sha256",
  "storage_key",
  "status",
  "pages_done",
  "pages_total",
  "failed_pages",
  "chunks_done",
  "chunks_total",
  "embedding_model",
  "problem",
  "task_id",
  "replaces",
  "created_at",
  "updated_at",
];

export interface NewFile {
  id: string;
  userId: string;
  chatId: string | null;
  name: string;
  mediaType: MediaType;
  sizeBytes: number;
  sha256: string;
  storageKey: string;
  replaces: string | null;
}

export async function insertFile(sql: Transaction, file: NewFile): Promise<FileRow> {
  const rows = await sql`
    insert into files (id, user_id, chat_id, name, media_type, size_bytes, sha256, storage_key, replaces)
    values (${file.id}, ${file.userId}, ${file.chatId}, ${file.name}, ${file.mediaType}, ${file.sizeBytes},
      ${file.sha256}, ${file.storageKey}, ${file.replaces})
    returning ${sql(columns)}`;
  return fileRowSchema.parse(rows[0]);
}

export async function setFileTask(
  sql: Transaction,
  userId: string,
  fileId: string,
  taskId: string,
): Promise<FileRow> {
  const rows = await sql`
    update files set task_id = ${taskId}, updated_at = now() where id = ${fileId} and user_id = ${userId}
    returning ${sql(columns)}`;
  return fileRowSchema.parse(rows[0]);
}

/** Back to the start, for a retry of its ingestion. Chunks that are stored already stay: ingestion goes on after them. */
export async function resetFile(sql: Transaction, userId: string, fileId: string): Promise<void> {
  await sql`
    update files set status = 'waiting', problem = null, updated_at = now()
    where id = ${fileId} and user_id = ${userId}`;
}

export async function selectFile(sql: Transaction, userId: string, id: string): Promise<FileRow | undefined> {
  const rows = await sql`select ${sql(columns)} from files where id = ${id} and user_id = ${userId}`;
  return rows.map((row) => fileRowSchema.parse(row))[0];
}

/** The caller's files among `ids`; a foreign or unknown id is simply not there. */
export async function selectFilesById(sql: Transaction, userId: string, ids: string[]): Promise<FileRow[]> {
  const rows =
    await sql`select ${sql(columns)} from files where id = any (${ids}::uuid[]) and user_id = ${userId}`;
  return rows.map((row) => fileRowSchema.parse(row));
}

/** Serializes the uploads and deletions of one user's files, so that two at once see each other. */
export async function lockFilesOfUser(sql: Transaction, userId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('genq.files:' || ${userId}, 0))`;
}

export async function selectFileByContent(
  sql: Transaction,
  userId: string,
  sha256: string,
  chatId: string | null,
): Promise<FileRow | undefined> {
  const rows = await sql`
    select ${sql(columns)} from files
    where user_id = ${userId} and sha256 = ${sha256} and coalesce(chat_id, '') = ${chatId ?? ""}`;
  return rows.map((row) => fileRowSchema.parse(row))[0];
}

/** The file that holds a name, not one that waits to replace it. */
export async function selectFileByName(
  sql: Transaction,
  userId: string,
  name: string,
  chatId: string | null,
): Promise<FileRow | undefined> {
  const rows = await sql`
    select ${sql(columns)} from files
    where user_id = ${userId} and name = ${name} and coalesce(chat_id, '') = ${chatId ?? ""} and replaces is null`;
  return rows.map((row) => fileRowSchema.parse(row))[0];
}

export async function selectReplacementOf(
  sql: Transaction,
  userId: string,
  fileId: string,
): Promise<FileRow | undefined> {
  const rows =
    await sql`select ${sql(columns)} from files where user_id = ${userId} and replaces = ${fileId}`;
  return rows.map((row) => fileRowSchema.parse(row))[0];
}

export async function selectFiles(
  sql: Transaction,
  userId: string,
  query: ListFilesQuery,
): Promise<{ rows: FileRow[]; nextCursor: string | null }> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const rows = await sql`
    select ${sql(columns)}, ${positionOf(sql)} as position from files
    where user_id = ${userId}
      ${query.chat_id === undefined ? sql`` : sql`and chat_id = ${query.chat_id}`}
      ${query.status === undefined ? sql`` : sql`and status = ${query.status}`}
      ${after === undefined ? sql`` : sql`and (created_at, id) < (${after.createdAt}::timestamptz, ${after.id})`}
    order by created_at desc, id desc limit ${query.limit + 1}`;
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  return {
    rows: rows.slice(0, query.limit).map((row) => fileRowSchema.parse(row)),
    nextCursor:
      last === undefined
        ? null
        : encodeCursor({ createdAt: String(last["position"]), id: String(last["id"]) }),
  };
}

/**
 * Deletes a file with its chunks, vectors and running work; a trigger leaves its object to the sweeper. What waits to
 * replace it takes over its name. Rows are locked in one order everywhere: the replacement, its older file's tasks, the file.
 */
export async function deleteFile(sql: Transaction, userId: string, id: string): Promise<FileRow | undefined> {
  await sql`select 1 from files where user_id = ${userId} and replaces = ${id} for update`;
  await sql`select 1 from tasks where user_id = ${userId} and file_id = ${id} order by id for update`;
  await cancelTasksOfFile(sql, userId, id);
  const rows =
    await sql`delete from files where id = ${id} and user_id = ${userId} returning ${sql(columns)}`;
  return rows.map((row) => fileRowSchema.parse(row))[0];
}

export interface FileProgress {
  status: FileStatus;
  pagesDone?: number;
  pagesTotal?: number | null;
  failedPages?: number[];
  chunksDone?: number;
  chunksTotal?: number | null;
  embeddingModel?: string;
}

export async function updateFileProgress(
  sql: Transaction,
  userId: string,
  fileId: string,
  progress: FileProgress,
): Promise<void> {
  const values = {
    status: progress.status,
    updated_at: sql`now()`,
    ...(progress.pagesDone === undefined ? {} : { pages_done: progress.pagesDone }),
    ...(progress.pagesTotal === undefined ? {} : { pages_total: progress.pagesTotal }),
    ...(progress.failedPages === undefined ? {} : { failed_pages: progress.failedPages }),
    ...(progress.chunksDone === undefined ? {} : { chunks_done: progress.chunksDone }),
    ...(progress.chunksTotal === undefined ? {} : { chunks_total: progress.chunksTotal }),
    ...(progress.embeddingModel === undefined ? {} : { embedding_model: progress.embeddingModel }),
  };
  await sql`update files set ${sql(values as never)} where id = ${fileId} and user_id = ${userId}`;
}

/** In the transaction that makes a replacement ready: the older file, its chunks and vectors give way. */
export async function finishReplacement(sql: Transaction, userId: string, fileId: string): Promise<void> {
  const [row] = await sql<{ replaces: string | null }[]>`
    select replaces from files where id = ${fileId} and user_id = ${userId}`;
  if (row === undefined || row.replaces === null) return;
  await deleteFile(sql, userId, row.replaces);
}

export async function scheduleObjectDeletion(
  sql: Transaction,
  userId: string,
  storageKey: string,
  delaySeconds: number,
): Promise<void> {
  await sql`
    insert into storage_deletions (storage_key, user_id, run_after)
    values (${storageKey}, ${userId}, now() + make_interval(secs => ${delaySeconds}))
    on conflict (storage_key) do update set run_after = excluded.run_after`;
}

export async function keepObject(sql: Transaction, userId: string, storageKey: string): Promise<void> {
  await sql`delete from storage_deletions where storage_key = ${storageKey} and user_id = ${userId}`;
}

/** Takes due deletions; a taken one comes back after ten minutes unless `dropObjectDeletions` confirms it. */
export async function takeObjectDeletions(sql: Transaction, limit: number): Promise<string[]> {
  const rows = await sql<{ storage_key: string }[]>`
    update storage_deletions set run_after = now() + interval '10 minutes'
    where storage_key in (
      select storage_key from storage_deletions where run_after < now() order by run_after limit ${limit}
      for update skip locked)
    returning storage_key`;
  return rows.map((row) => row.storage_key);
}

export async function dropObjectDeletions(sql: Transaction, storageKeys: string[]): Promise<void> {
  await sql`delete from storage_deletions where storage_key = any (${storageKeys})`;
}
