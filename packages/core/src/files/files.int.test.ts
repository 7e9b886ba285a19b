import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createProblem } from "@genq/contract";
import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  closeDatabase,
  completeTask,
  type Database,
  expireTasks,
  failTask,
  finishReplacement,
  inServiceTransaction,
  inUserTransaction,
  openDatabase,
  takeBackAbandoned,
  updateFileProgress,
} from "../db/index.ts";
import { openQueues } from "../queue/index.ts";
import { openStorage } from "../storage/index.ts";
import { deleteTask, retryTask } from "../tasks/index.ts";
import { acceptUpload, deleteFile, getFile, storeObject, sweepObjects } from "./index.ts";

const stack = await openTestStack({ supabase: true });
const database = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 8, prepare: true });
const worker = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 2, prepare: true });
const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
const storage = openStorage({
  supabaseUrl: stack.supabase.url,
  secretKey: stack.supabase.secretKey,
  bucket: "genq-test",
  maxObjectBytes: 1_000_000,
});
await storage.ensureBucket();
await storage.ensureBucket();
const services = { database, queues, storage, maxQueuedTasks: 1000 };
afterAll(async () => {
  await queues.close();
  await closeDatabase(database);
  await closeDatabase(worker);
});

interface UploadOptions {
  userId: string;
  name?: string;
  replace?: boolean;
  key?: string;
  maxBytes?: number;
}

async function upload(content: string, options: UploadOptions) {
  const object = await storeObject(services, options.userId, {
    body: Readable.from([Buffer.from(content)]),
    mediaType: "text/plain",
    maxBytes: options.maxBytes ?? 1000,
  });
  return acceptUpload(
    services,
    {
      userId: options.userId,
      name: options.name ?? "a.txt",
      chatId: null,
      replace: options.replace ?? false,
      idempotencyKey: options.key,
    },
    object,
  );
}

async function read(key: string): Promise<string> {
  return new Response(await storage.download(key)).text();
}

it("stores the bytes, their hash and an ingestion task", async () => {
  const userId = await stack.createUser();
  const { file, task, deduplicated } = await upload("こんにちは", { userId });
  expect(file.file.sha256).toBe(createHash("sha256").update("こんにちは").digest("hex"));
  expect(file.file).toMatchObject({ size_bytes: 15, status: "waiting", task_id: task?.task.id });
  expect(task?.task).toMatchObject({ kind: "ingest", status: "queued", payload: { file_id: file.file.id } });
  expect(deduplicated).toBe(false);
  expect(await read(file.storageKey)).toBe("こんにちは");
});

it("knows the same content again, also from twenty uploads at once", async () => {
  const userId = await stack.createUser();
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) => upload("same", { userId, name: `${index}.txt` })),
  );
  expect(new Set(all.map((one) => one.file.file.id)).size).toBe(1);
  expect(all.filter((one) => !one.deduplicated)).toHaveLength(1);
});

it("tries the content of a failed file again, as a new one", async () => {
  const userId = await stack.createUser();
  const first = await upload("broken", { userId });
  await inUserTransaction(database, userId, (sql) =>
    updateFileProgress(sql, userId, first.file.file.id, { status: "failed" }),
  );
  const again = await upload("broken", { userId });
  expect(again).toMatchObject({ deduplicated: false, file: { file: { status: "waiting" } } });
  await expect(getFile(database, userId, first.file.file.id)).rejects.toMatchObject({ code: "not_found" });
});

it("refuses another content under a name, unless it is to replace", async () => {
  const userId = await stack.createUser();
  const first = await upload("one", { userId });
  await expect(upload("two", { userId })).rejects.toMatchObject({ code: "file_name_taken" });
  const second = await upload("two", { userId, replace: true });
  const third = await upload("three", { userId, replace: true });
  // The second never became ready, so the third takes its place at once, and the first stays until then.
  await expect(getFile(database, userId, second.file.file.id)).rejects.toMatchObject({ code: "not_found" });
  expect((await getFile(database, userId, first.file.file.id)).file.status).toBe("waiting");
  await inUserTransaction(database, userId, async (sql) => {
    await updateFileProgress(sql, userId, third.file.file.id, { status: "ready" });
    await finishReplacement(sql, userId, third.file.file.id);
  });
  await expect(getFile(database, userId, first.file.file.id)).rejects.toMatchObject({ code: "not_found" });
  await expect(upload("four", { userId })).rejects.toMatchObject({ code: "file_name_taken" });
});

it("keeps a replacement that becomes ready while the next one comes in", async () => {
  const userId = await stack.createUser();
  const first = await upload("one", { userId });
  const second = await upload("two", { userId, replace: true });
  const taskId = second.file.file.task_id ?? "";
  await stack.claimTask(worker, taskId);
  let third: ReturnType<typeof upload> | undefined;
  await inUserTransaction(worker, userId, async (sql) => {
    const { id } = second.file.file;
    const model = { pages: 1, failed_pages: [], chunks: 1, tokens: 1, model: "m" };
    await completeTask<"ingest">(sql, { taskId, attempt: 1 }, { file_id: id, status: "ready", ...model });
    third = upload("three", { userId, replace: true });
    await sleep(300);
    await updateFileProgress(sql, userId, id, { status: "ready" });
    await finishReplacement(sql, userId, id);
  });
  expect((await third)?.file.replaces).toBe(second.file.file.id);
  expect((await getFile(database, userId, second.file.file.id)).file.status).toBe("ready");
  await expect(getFile(database, userId, first.file.file.id)).rejects.toMatchObject({ code: "not_found" });
});

it("lets go of a replacement when what is there is sent again", async () => {
  const userId = await stack.createUser();
  const first = await upload("one", { userId });
  const second = await upload("two", { userId, replace: true });
  const again = await upload("one", { userId, replace: true });
  expect(again).toMatchObject({ deduplicated: true, file: { file: { id: first.file.file.id } } });
  await expect(getFile(database, userId, second.file.file.id)).rejects.toMatchObject({ code: "not_found" });
});

it("tells of no task that was deleted, and retries none whose file was", async () => {
  const userId = await stack.createUser();
  const tasks = { ...services, maxQueuedTasks: 10 };
  const fail = async (taskId: string) => {
    await stack.claimTask(worker, taskId);
    const problem = createProblem("document_no_text", "None.");
    await inUserTransaction(worker, userId, (sql) => failTask(sql, { taskId, attempt: 1 }, problem));
    return taskId;
  };
  const one = await upload("one", { userId });
  await deleteTask(tasks, userId, await fail(one.file.file.task_id ?? ""));
  expect((await getFile(database, userId, one.file.file.id)).file).toMatchObject({
    status: "failed",
    task_id: null,
  });
  const two = await upload("two", { userId, name: "b.txt" });
  const taskId = await fail(two.file.file.task_id ?? "");
  await deleteFile(database, userId, two.file.file.id);
  await expect(retryTask(tasks, userId, taskId)).rejects.toMatchObject({ code: "task_not_retryable" });
});

it("keeps the object of an upload whose commit was cut off, for it may have happened", async () => {
  const userId = await stack.createUser();
  const object = await storeObject(services, userId, {
    body: Readable.from([Buffer.from("kept")]),
    mediaType: "text/plain",
    maxBytes: 1000,
  });
  // Commits, and says that the connection was lost.
  const begin = async (work: never) => {
    await database.sql.begin(work);
    throw Object.assign(new Error("cut off"), { code: "CONNECTION_CLOSED" });
  };
  const cut: Database = { ...database, sql: { begin } as never };
  const request = { userId, name: "a.txt", chatId: null, replace: false, idempotencyKey: undefined };
  const lost = acceptUpload({ ...services, database: cut }, request, object);
  await expect(lost).rejects.toMatchObject({ code: "database_unavailable" });
  expect((await getFile(database, userId, object.fileId)).storageKey).toBe(object.storageKey);
  await sweepObjects({ database: worker, storage });
  expect(await read(object.storageKey)).toBe("kept");
});

it("lets go of the objects of a user who is deleted", async () => {
  const userId = await stack.createUser();
  const { file } = await upload("mine", { userId });
  await database.sql`delete from auth.users where id = ${userId}`;
  await sweepObjects({ database: worker, storage });
  await expect(read(file.storageKey)).rejects.toMatchObject({ code: "storage_unavailable" });
});

it("replays an upload by its idempotency key", async () => {
  const userId = await stack.createUser();
  const first = await upload("bytes", { userId, key: "k" });
  const again = await upload("bytes", { userId, key: "k" });
  expect(again.file.file.id).toBe(first.file.file.id);
  await expect(upload("others", { userId, name: "b.txt", key: "k" })).rejects.toMatchObject({
    code: "idempotency_mismatch",
  });
});

it("leaves no object behind: too large, let go, deleted", async () => {
  const userId = await stack.createUser();
  await inServiceTransaction(worker, (sql) => sql`delete from storage_deletions`);
  await expect(upload("x".repeat(2000), { userId })).rejects.toMatchObject({ code: "payload_too_large" });
  const kept = await upload("kept", { userId });
  await upload("kept", { userId });
  await deleteFile(database, userId, kept.file.file.id);
  const due = await inServiceTransaction(
    worker,
    (sql) => sql`select 1 from storage_deletions where run_after <= now()`,
  );
  expect(due).toHaveLength(3);
  expect(await sweepObjects({ database: worker, storage })).toBe(3);
  await expect(read(kept.file.storageKey)).rejects.toMatchObject({ code: "storage_unavailable" });
  expect(await inServiceTransaction(worker, (sql) => sql`select 1 from storage_deletions`)).toHaveLength(0);
});

it("fails the file of a task that waited too long or was quarantined, and no other", async () => {
  const taskOf = async (content: string) => {
    const userId = await stack.createUser();
    const { file } = await upload(content, { userId });
    return { userId, fileId: file.file.id, taskId: file.file.task_id ?? "" };
  };
  const [late, poisoned, sound] = [await taskOf("late"), await taskOf("poisoned"), await taskOf("sound")];
  await worker.sql`update genq.tasks set expires_at = now() - interval '1 second' where id = ${late.taskId}`;
  expect(await inServiceTransaction(worker, (sql) => expireTasks(sql, 100))).toBe(1);
  await worker.sql`update genq.tasks set unreported_attempts = 2 where id = ${poisoned.taskId}`;
  for (const { taskId } of [poisoned, sound]) await stack.claimTask(worker, taskId, 1);
  await sleep(50);
  const taken = await inServiceTransaction(worker, (sql) => takeBackAbandoned(sql, 100));
  expect([taken.poisoned, taken.requeued.map((ring) => ring.taskId)]).toEqual([
    [poisoned.taskId],
    [sound.taskId],
  ]);
  const stateOf = async ({ userId, fileId }: { userId: string; fileId: string }) => {
    const { file } = await getFile(database, userId, fileId);
    return [file.status, file.problem?.code];
  };
  expect([await stateOf(late), await stateOf(poisoned), await stateOf(sound)]).toEqual([
    ["failed", "task_expired"],
    ["failed", "poisoned"],
    ["waiting", undefined],
  ]);
});
