import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  closeDatabase,
  finishReplacement,
  inServiceTransaction,
  inUserTransaction,
  openDatabase,
  updateFileProgress,
} from "../db/index.ts";
import { openQueues } from "../queue/index.ts";
import { openStorage } from "../storage/index.ts";
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
