import { AppError, type ListFilesQuery, searchableFileStatuses } from "@genq/contract";
import {
  type Database,
  deleteFile as deleteRow,
  type FileRow,
  inUserTransaction,
  lockFilesOfUser,
  selectFile,
  selectFiles,
  selectFilesById,
  type Transaction,
} from "../db/index.ts";

/** @throws AppError not_found, also for another user's file */
export async function getFile(database: Database, userId: string, id: string): Promise<FileRow> {
  return found(await inUserTransaction(database, userId, (sql) => selectFile(sql, userId, id)));
}

/** One page of a user's files, newest first. @throws AppError invalid_request for a foreign cursor */
export function listFiles(
  database: Database,
  userId: string,
  query: ListFilesQuery,
): Promise<{ rows: FileRow[]; nextCursor: string | null }> {
  return inUserTransaction(database, userId, (sql) => selectFiles(sql, userId, query));
}

/** A large file has tens of thousands of vectors, which go with it. */
const deletionMs = 15_000;

/** Deletes a file with its chunks, vectors and running work; its object goes with the next sweep. @throws AppError not_found */
export async function deleteFile(database: Database, userId: string, id: string): Promise<void> {
  await inUserTransaction(
    database,
    userId,
    async (sql) => {
      await lockFilesOfUser(sql, userId);
      found(await deleteRow(sql, userId, id));
    },
    { timeoutMs: deletionMs },
  );
}

/**
 * Makes sure that all ids are files of this user that can be searched.
 * @throws AppError not_found for an unknown or foreign id, file_not_ready for one that is not searchable
 */
export async function assertSearchable(sql: Transaction, userId: string, ids: string[]): Promise<void> {
  const files = await selectFilesById(sql, userId, ids);
  const byId = new Map(files.map((row) => [row.file.id, row.file]));
  for (const id of ids) {
    const file = byId.get(id);
    if (file === undefined) throw new AppError("not_found", "There is no such file.");
    if (!(searchableFileStatuses as readonly string[]).includes(file.status)) {
      throw new AppError(
        "file_not_ready",
        `The file ${id} is ${file.status}; wait until it is ready, or leave it out of file_ids.`,
        { retryAfterSeconds: 2 },
      );
    }
  }
}

function found(file: FileRow | undefined): FileRow {
  if (file === undefined) throw new AppError("not_found", "There is no such file.");
  return file;
}
