import { createHash, randomUUID } from "node:crypto";
import { type Readable, Transform } from "node:stream";
import { AppError, type MediaType } from "@genq/contract";
import {
  cancelTasksOfFile,
  deleteFile,
  type FileRow,
  fillIdempotencyKey,
  hasQueueRoom,
  insertFile,
  insertTask,
  inUserTransaction,
  keepObject,
  lockFilesOfUser,
  scheduleObjectDeletion,
  selectFile,
  selectFileByContent,
  selectFileByName,
  selectQueueState,
  selectReplacementOf,
  selectTask,
  setFileTask,
  type Transaction,
  takeIdempotencyKey,
} from "../db/index.ts";
import type { Storage } from "../storage/index.ts";
import {
  assertSameRequest,
  assertTaskWebhookSecret,
  queueLimitReached,
  ringForTask,
} from "../tasks/submit-task.ts";
import type { SubmittedRow, TaskServices } from "../tasks/task-services.ts";

export interface FileServices extends TaskServices {
  storage: Storage;
}

/** The bytes of an upload, on their way. */
export interface IncomingFile {
  body: Readable;
  mediaType: MediaType;
  maxBytes: number;
}

export interface StoredObject {
  fileId: string;
  storageKey: string;
  sizeBytes: number;
  sha256: string;
  mediaType: MediaType;
}

/** An object that no file row claims within this time is swept. */
const unclaimedObjectSeconds = 3600;

/**
 * Streams an upload into storage, hashed on the way and never whole in memory. A note made first lets the sweeper
 * delete the object when nothing comes of it.
 * @throws AppError payload_too_large, storage_unavailable
 */
export async function storeObject(
  services: FileServices,
  userId: string,
  incoming: IncomingFile,
): Promise<StoredObject> {
  const fileId = randomUUID();
  const storageKey = `${userId}/${fileId}`;
  await inUserTransaction(services.database, userId, (sql) =>
    scheduleObjectDeletion(sql, userId, storageKey, unclaimedObjectSeconds),
  );
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let tooLarge: AppError | undefined;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      hash.update(chunk);
      if (sizeBytes <= incoming.maxBytes) return done(null, chunk);
      tooLarge = new AppError(
        "payload_too_large",
        `The file is larger than the limit of ${incoming.maxBytes} bytes.`,
      );
      done(tooLarge);
    },
  });
  // The failed upload below reports these errors; without a listener they would end the process.
  meter.on("error", () => undefined);
  incoming.body.once("error", (error) => meter.destroy(error));
  try {
    await services.storage.upload(storageKey, incoming.body.pipe(meter), incoming.mediaType);
  } catch (error) {
    incoming.body.resume();
    await discardObject(services, userId, storageKey);
    throw tooLarge ?? incoming.body.errored ?? error;
  }
  return { fileId, storageKey, sizeBytes, sha256: hash.digest("hex"), mediaType: incoming.mediaType };
}

/** Leaves an object that nothing came of to the sweeper, now. */
export async function discardObject(
  services: FileServices,
  userId: string,
  storageKey: string,
): Promise<void> {
  await inUserTransaction(services.database, userId, (sql) =>
    scheduleObjectDeletion(sql, userId, storageKey, 0),
  );
}

export interface UploadRequest {
  userId: string;
  name: string;
  chatId: string | null;
  replace: boolean;
  idempotencyKey: string | undefined;
  /** Told when the file's ingestion has ended. */
  webhookUrl?: string | undefined;
}

export interface AcceptedUpload {
  file: FileRow;
  task: SubmittedRow | undefined;
  /** These bytes were there before. */
  deduplicated: boolean;
  /** The file was made by an earlier request with the same idempotency key. */
  replayed: boolean;
}

/**
 * Makes the file and its ingestion task of a stored object, in one transaction; then rings. The same content again is
 * the existing file, and the new object is let go.
 * @throws AppError file_name_taken, idempotency_mismatch, queue_limit_reached, webhook_secret_missing
 */
export async function acceptUpload(
  services: FileServices,
  request: UploadRequest,
  object: StoredObject,
): Promise<AcceptedUpload> {
  const { userId } = request;
  let accepted: AcceptedUpload;
  try {
    accepted = await inUserTransaction(services.database, userId, async (sql) => {
      await lockFilesOfUser(sql, userId);
      const hasRoom = await hasQueueRoom(sql, userId, services.maxQueuedTasks);
      const known =
        (await replayUpload(sql, request, object)) ?? (await findSameContent(sql, request, object));
      if (known !== undefined) {
        await scheduleObjectDeletion(sql, userId, object.storageKey, 0);
        return known;
      }
      if (request.webhookUrl !== undefined) await assertTaskWebhookSecret(sql, userId);
      if (!hasRoom) throw queueLimitReached(services);
      return insertUpload(sql, request, object);
    });
  } catch (error) {
    // A commit that was cut off may have happened. The note made before the upload tells: it is gone when it did.
    if (error instanceof AppError && error.code !== "database_unavailable") {
      await discardObject(services, userId, object.storageKey);
    }
    throw error;
  }
  if (accepted.task !== undefined && !accepted.task.replayed) await ringForTask(services, accepted.task.task);
  return accepted;
}

async function replayUpload(
  sql: Transaction,
  request: UploadRequest,
  object: StoredObject,
): Promise<AcceptedUpload | undefined> {
  if (request.idempotencyKey === undefined) return undefined;
  const requestHash = createHash("sha256")
    .update(
      JSON.stringify([
        "upload",
        object.sha256,
        request.name,
        request.chatId,
        request.replace,
        request.webhookUrl,
      ]),
    )
    .digest("hex");
  const record = await takeIdempotencyKey(sql, request.userId, request.idempotencyKey, requestHash);
  if (record === undefined) return undefined;
  assertSameRequest(record.requestHash, { key: request.idempotencyKey, requestHash });
  const file = record.fileId === null ? undefined : await selectFile(sql, request.userId, record.fileId);
  return file && withTask(sql, request.userId, file, { deduplicated: false, replayed: true });
}

async function findSameContent(
  sql: Transaction,
  request: UploadRequest,
  object: StoredObject,
): Promise<AcceptedUpload | undefined> {
  const file = await selectFileByContent(sql, request.userId, object.sha256, request.chatId);
  if (file === undefined) return undefined;
  if (file.file.status === "failed") {
    // Sent again, it is tried again: from the start, as a new file.
    await deleteFile(sql, request.userId, file.file.id);
    return undefined;
  }
  // The last of two replacements wins, also when it brings back what is there.
  const wanted = request.replace && file.file.name === request.name;
  if (wanted && !(await dropReplacementOf(sql, request.userId, file.file.id))) return undefined;
  await noteKey(sql, request, file, null);
  return withTask(sql, request.userId, file, { deduplicated: true, replayed: false });
}

async function withTask(
  sql: Transaction,
  userId: string,
  file: FileRow,
  how: { deduplicated: boolean; replayed: boolean },
): Promise<AcceptedUpload> {
  const task = file.file.task_id === null ? undefined : await selectTask(sql, userId, file.file.task_id);
  return {
    file,
    task: task && { task, queue: await selectQueueState(sql, task.id), replayed: true },
    ...how,
  };
}

async function insertUpload(
  sql: Transaction,
  request: UploadRequest,
  object: StoredObject,
): Promise<AcceptedUpload> {
  const { userId } = request;
  const replaced = await makeRoom(sql, request);
  await insertFile(sql, {
    id: object.fileId,
    userId,
    chatId: request.chatId,
    name: request.name,
    mediaType: object.mediaType,
    sizeBytes: object.sizeBytes,
    sha256: object.sha256,
    storageKey: object.storageKey,
    replaces: replaced,
  });
  await keepObject(sql, userId, object.storageKey);
  const task = await insertTask(sql, {
    id: randomUUID(),
    userId,
    kind: "ingest",
    payload: { file_id: object.fileId },
    fileId: object.fileId,
    webhookUrl: request.webhookUrl,
  });
  const file = await setFileTask(sql, userId, object.fileId, task.id);
  await noteKey(sql, request, file, task.id);
  return {
    file,
    task: { task, queue: await selectQueueState(sql, task.id), replayed: false },
    deduplicated: false,
    replayed: false,
  };
}

/** The id of the file whose name is taken over, or null. A replacement that is still on its way gives way to this one. */
async function makeRoom(sql: Transaction, request: UploadRequest): Promise<string | null> {
  const { userId } = request;
  for (;;) {
    const holder = await selectFileByName(sql, userId, request.name, request.chatId);
    if (holder === undefined) return null;
    if (!request.replace) {
      throw new AppError(
        "file_name_taken",
        `A file with this name exists with other content (${holder.file.id}). Send replace=true to put this one in its place, or use another name.`,
      );
    }
    if (await dropReplacementOf(sql, userId, holder.file.id)) return holder.file.id;
  }
}

/** False when the replacement became ready in the meantime: the file is gone, and its name is the other's. */
async function dropReplacementOf(sql: Transaction, userId: string, fileId: string): Promise<boolean> {
  const pending = await selectReplacementOf(sql, userId, fileId);
  if (pending === undefined) return true;
  // Waits for a worker that is making it ready.
  await cancelTasksOfFile(sql, userId, pending.file.id);
  if ((await selectReplacementOf(sql, userId, fileId)) === undefined) return false;
  await deleteFile(sql, userId, pending.file.id);
  return true;
}

async function noteKey(
  sql: Transaction,
  request: UploadRequest,
  file: FileRow,
  taskId: string | null,
): Promise<void> {
  if (request.idempotencyKey === undefined) return;
  await fillIdempotencyKey(sql, request.userId, request.idempotencyKey, { taskId, fileId: file.file.id });
}
