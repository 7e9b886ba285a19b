import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { completeTask, completeTasks, holdClaim, writeProgress } from "./claims.ts";
import { closeDatabase, inServiceTransaction, inUserTransaction, openDatabase } from "./database.ts";
import { insertFile, setFileTask } from "./files.ts";
import { insertTask } from "./tasks.ts";

const stack = await openTestStack();
const open = (role: "genq_api" | "genq_worker") =>
  openDatabase({ url: stack.databaseUrl, role, max: 2, prepare: false });
const api = open("genq_api");
const worker = open("genq_worker");
afterAll(() => Promise.all([closeDatabase(api), closeDatabase(worker)]));

const userId = await stack.createUser();
const progress = { stage: "embedding", done: 1, total: 2, unit: "pages" } as const;

/** A task that its second attempt runs, and its file. */
async function claimedTwice(): Promise<{ taskId: string; fileId: string }> {
  const [taskId, fileId] = [randomUUID(), randomUUID()];
  await inUserTransaction(api, userId, async (sql) => {
    await insertFile(sql, {
      id: fileId,
      userId,
      chatId: null,
      name: `${fileId}.txt`,
      mediaType: "text/plain",
      sizeBytes: 1,
      sha256: randomUUID().replaceAll("-", "").repeat(2),
      storageKey: `${userId}/${fileId}`,
      replaces: null,
    });
    await insertTask(sql, { id: taskId, userId, kind: "ingest", payload: { file_id: fileId }, fileId });
    await setFileTask(sql, userId, fileId, taskId);
  });
  for (const _ of [1, 2]) {
    await inServiceTransaction(
      worker,
      (sql) =>
        sql`update tasks set status = 'queued', run_after = now(), lease_until = null where id = ${taskId}`,
    );
    expect(await stack.claimTask(worker, taskId, 60_000)).toBeDefined();
  }
  return { taskId, fileId };
}

const staleWrites = (taskId: string) =>
  inServiceTransaction(
    worker,
    (sql) => sql<{ relation: string; writer_attempt: number; attempt: number }[]>`
      select relation, writer_attempt, attempt from stale_writes where task_id = ${taskId} order by id`,
  );

test("the log says which attempt wrote a transition, and none for who holds no claim", async () => {
  const { taskId } = await claimedTwice();
  await inUserTransaction(worker, userId, async (sql) => {
    expect(await holdClaim(sql, { taskId, attempt: 2 })).toBe(true);
    await writeProgress(sql, { taskId, attempt: 2 }, progress);
    await completeTask<"ingest">(
      sql,
      { taskId, attempt: 2 },
      {
        file_id: taskId,
        status: "ready",
        pages: 1,
        failed_pages: [],
        chunks: 1,
        tokens: 1,
        model: "test/embedder",
      },
    );
  });
  const rows = await inServiceTransaction(
    worker,
    (sql) => sql`
      select to_status, writer_attempt from task_transitions where task_id = ${taskId} order by id`,
  );
  expect(rows.map((row) => [row["to_status"], row["writer_attempt"]]).slice(-2)).toEqual([
    ["processing", null],
    ["completed", 2],
  ]);
  expect(await staleWrites(taskId)).toEqual([]);
});

test("two attempts of a task in one group: the later one ends it, and the earlier is no stale writer", async () => {
  const { taskId } = await claimedTwice();
  const completion = (attempt: number) => ({
    claim: { taskId, attempt },
    result: JSON.stringify({ attempt }),
  });
  const written = await inServiceTransaction(worker, (sql) =>
    completeTasks(sql, [completion(1), completion(2)]),
  );
  expect(written).toEqual([false, true]);
  const [row] = await inServiceTransaction(
    worker,
    (sql) => sql`select result from tasks where id = ${taskId}`,
  );
  expect(row?.["result"]).toEqual({ attempt: 2 });
  expect(await staleWrites(taskId)).toEqual([]);
});

test("what a stale attempt manages to write is noted: the task, its file, its chunks", async () => {
  const { taskId, fileId } = await claimedTwice();
  await inUserTransaction(worker, userId, async (sql) => {
    // As it would be without `attempt =` in the fence.
    await sql`select set_config('genq.writer_attempt', ${`${taskId}:1`}, true)`;
    await sql`update tasks set progress = '{}' where id = ${taskId}`;
    await sql`update files set chunks_done = 7 where id = ${fileId}`;
    await sql`
      insert into chunks (user_id, file_id, ordinal, char_start, char_end, token_count, text)
      values (${userId}, ${fileId}, 0, 0, 1, 1, 'stale')`;
  });
  const noted = { writer_attempt: 1, attempt: 2 };
  expect(await staleWrites(taskId)).toEqual([
    { relation: "tasks", ...noted },
    { relation: "files", ...noted },
    { relation: "chunks", ...noted },
  ]);
});

test("an attempt that was given up may not write either, though nobody has taken over", async () => {
  const { taskId, fileId } = await claimedTwice();
  await inUserTransaction(worker, userId, async (sql) => {
    await sql`update tasks set status = 'queued', lease_until = null where id = ${taskId}`;
    await sql`select set_config('genq.writer_attempt', ${`${taskId}:2`}, true)`;
    await sql`update tasks set status = 'completed' where id = ${taskId}`;
    await sql`update files set chunks_done = 7 where id = ${fileId}`;
  });
  expect((await staleWrites(taskId)).map(({ relation }) => relation)).toEqual(["tasks"]);
});

test("the log of a task goes with it, whoever deletes it, and that of others stays", async () => {
  const tasks = [await claimedTwice(), await claimedTwice(), await claimedTwice()].map(
    ({ taskId }) => taskId,
  );
  const logged = async () => {
    const rows = await inServiceTransaction(
      worker,
      (sql) =>
        sql<
          { task_id: string }[]
        >`select distinct task_id from task_transitions where task_id = any (${tasks})`,
    );
    return rows.map((row) => tasks.indexOf(row.task_id)).sort();
  };
  const owner = await stack.createUser();
  await worker.sql`update genq.tasks set user_id = ${owner}, file_id = null where id = ${String(tasks[2])}`;
  expect(await logged()).toEqual([0, 1, 2]);
  await inUserTransaction(api, userId, (sql) => sql`delete from tasks where id = ${String(tasks[0])}`);
  expect(await logged()).toEqual([1, 2]);
  await worker.sql`delete from auth.users where id = ${owner}`;
  expect(await logged()).toEqual([1]);
});
