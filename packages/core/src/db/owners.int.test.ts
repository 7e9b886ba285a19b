import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  cancelTask,
  closeDatabase,
  deleteFile,
  deleteFinishedTask,
  insertTask,
  inUserTransaction,
  openDatabase,
  retryTask,
  selectFile,
  selectTask,
  selectTasks,
  type Transaction,
  takeIdempotencyKey,
} from "./index.ts";

/*
 * Two walls between users: every query names its user, and row level security stands behind it. Each is tested with the
 * other one taken down.
 */

const stack = await openTestStack();
const api = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 2, prepare: true });
afterAll(() => closeDatabase(api));

const owner = await stack.createUser();
const stranger = await stack.createUser();
const taskId = randomUUID();
const fileId = randomUUID();
const payload = { texts: ["a"], kind: "query" as const };
await inUserTransaction(api, owner, async (sql) => {
  await insertTask(sql, { id: taskId, userId: owner, kind: "embed", payload, fileId: null });
  await takeIdempotencyKey(sql, owner, "key", "hash");
  await sql`insert into storage_deletions (storage_key, user_id) values ('key', ${owner})`;
  await sql`insert into files (id, user_id, name, media_type, size_bytes, sha256, storage_key)
    values (${fileId}, ${owner}, 'a.txt', 'text/plain', 1, ${"0".repeat(64)}, 'a key')`;
});
await api.sql`insert into genq.chunks (user_id, file_id, ordinal, char_start, char_end, token_count, text)
  values (${owner}, ${fileId}, 0, 0, 1, 1, 'a')`;
await api.sql`insert into genq.embeddings (chunk_id, model, user_id, file_id, embedding)
  select id, 'm', user_id, file_id, '[1]' from genq.chunks`;

/** As the owner of the tables, whom no policy binds. What it does is rolled back. */
async function withoutPolicies<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result> {
  const kept = Promise.withResolvers<Result>();
  const undo = new Error("Rolled back.");
  await api.sql
    .begin(async (sql) => {
      await sql`select set_config('search_path', 'genq, public, extensions', true)`;
      kept.resolve(await work(sql));
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  return await kept.promise;
}

describe("a query of another user, without row level security", () => {
  const ends = (sql: Transaction, status: string) =>
    sql`update tasks set status = ${status}, finished_at = now() where id = ${taskId}`;

  test("reads no task", () =>
    withoutPolicies(async (sql) => {
      expect(await selectTask(sql, stranger, taskId)).toBeUndefined();
      expect(await selectTask(sql, owner, taskId)).toBeDefined();
    }));
  test("lists no task", () =>
    withoutPolicies(async (sql) => {
      expect((await selectTasks(sql, stranger, { limit: 10 })).rows).toEqual([]);
      expect((await selectTasks(sql, owner, { limit: 10 })).rows).toHaveLength(1);
    }));
  test("cancels no task", () =>
    withoutPolicies(async (sql) => {
      expect(await cancelTask(sql, stranger, taskId)).toBeUndefined();
      expect(await selectTask(sql, owner, taskId)).toMatchObject({ status: "queued" });
      expect(await cancelTask(sql, owner, taskId)).toMatchObject({ status: "canceled" });
    }));
  test("retries no task", () =>
    withoutPolicies(async (sql) => {
      await ends(sql, "failed");
      const task = await selectTask(sql, owner, taskId);
      if (task === undefined) throw new Error("The task is gone.");
      expect(await retryTask(sql, stranger, task)).toBeUndefined();
      expect(await retryTask(sql, owner, task)).toMatchObject({ life: 2 });
    }));
  test("deletes no task", () =>
    withoutPolicies(async (sql) => {
      await ends(sql, "completed");
      expect(await deleteFinishedTask(sql, stranger, taskId)).toBe(false);
      expect(await deleteFinishedTask(sql, owner, taskId)).toBe(true);
    }));
  test("reads and deletes no file", () =>
    withoutPolicies(async (sql) => {
      expect(await selectFile(sql, stranger, fileId)).toBeUndefined();
      expect(await deleteFile(sql, stranger, fileId)).toBeUndefined();
      expect(await selectFile(sql, owner, fileId)).toBeDefined();
    }));
  test("finds no key", () =>
    withoutPolicies(async (sql) => {
      expect(await takeIdempotencyKey(sql, stranger, "key", "other")).toBeUndefined();
      expect(await takeIdempotencyKey(sql, owner, "key", "other")).toMatchObject({ requestHash: "hash" });
    }));
});

test.each([
  "tasks",
  "task_transitions",
  "files",
  "chunks",
  "embeddings",
  "idempotency_keys",
  "storage_deletions",
])("row level security alone hides %s of another user", async (table) => {
  const rows = (user: string) =>
    inUserTransaction(api, user, async (sql) => (await sql`select 1 from ${sql(table)}`).length);
  expect([await rows(owner), await rows(stranger)]).toEqual([1, 0]);
});

test.each(["tasks", "files", "idempotency_keys"])(
  "row level security alone refuses a row of another user in %s",
  async (table) => {
    const values: Record<string, (sql: Transaction) => Promise<unknown>> = {
      tasks: (sql) =>
        insertTask(sql, { id: randomUUID(), userId: owner, kind: "embed", payload, fileId: null }),
      files: (sql) => sql`insert into files (id, user_id, name, media_type, size_bytes, sha256, storage_key)
        values (${randomUUID()}, ${owner}, 'b.txt', 'text/plain', 1, ${"1".repeat(64)}, 'b key')`,
      idempotency_keys: (sql) => takeIdempotencyKey(sql, owner, "another", "hash"),
    };
    const insert = async (sql: Transaction) => void (await values[table]?.(sql));
    await expect(inUserTransaction(api, stranger, insert)).rejects.toMatchObject({ code: "42501" });
  },
);
