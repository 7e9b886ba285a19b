import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import { closeDatabase, countChunks, inUserTransaction, openDatabase, selectFile } from "@genq/core/db";
import { deleteFile } from "@genq/core/files";
import { cancelTask, getTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { openTcpProxy } from "@genq/core/testing/tcp-proxy";
import { afterAll, expect, it, vi } from "vitest";
import { fakeInference } from "./fake-inference.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";
import { writePdf } from "./write-pdf.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

const sentences = (count: number, about: string) =>
  Array.from({ length: count }, (_, index) => `Sentence ${index} tells of ${about} number ${index}. `).join(
    "",
  );
const read = async (fileId: string) => {
  const row = await inUserTransaction(worked.database, user, (sql) => selectFile(sql, user, fileId));
  if (row === undefined) throw new Error("The file is gone.");
  return row.file;
};
const stored = (fileId: string) =>
  inUserTransaction(worked.database, user, async (sql) => {
    const rows = await sql<{ ordinal: number; vectors: number }[]>`
      select c.ordinal, count(e.chunk_id)::int as vectors from chunks c left join embeddings e on e.chunk_id = c.id
      where c.file_id = ${fileId} group by c.ordinal order by c.ordinal`;
    return { ordinals: rows.map((row) => row.ordinal), vectors: new Set(rows.map((row) => row.vectors)) };
  });
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

it("takes a text to searchable chunks, an answer with citations, and tells its way", async () => {
  const worker = worked.start({
    openInference: (onStatus) => fakeInference({ answer: "It was seen [2].", embedMs: 2 }, onStatus),
  });
  const text = `${sentences(200, "apples")}\n\nThe zeppelin landed at noon.\n\n${sentences(200, "pears")}`;
  const { fileId, taskId } = await worked.upload(user, "fruit.txt", text);
  const seen = new Set<string>();
  while ((await getTask(worked.api, user, taskId)).status !== "completed")
    seen.add((await read(fileId)).status);
  const { result } = await getTask(worked.api, user, taskId);
  const file = await read(fileId);
  const { ordinals, vectors } = await stored(fileId);
  expect(file).toMatchObject({
    status: "ready",
    chunks: { done: ordinals.length, total: ordinals.length },
    pages: { failed: [] },
    embedding_model: "test/embedder",
    problem: null,
  });
  expect(file.pages.done).toBe(file.pages.total);
  expect(result).toMatchObject({ status: "ready", chunks: ordinals.length, pages: file.pages.total });
  expect([ordinals, [...vectors]]).toEqual([upTo(ordinals.length), [1]]);
  expect([...seen]).toEqual(expect.arrayContaining(["embedding"]));

  const search = await worked.submit(user, "search", {
    query: "zeppelin landed noon",
    k: 3,
    file_ids: [fileId],
  });
  expect((await worked.until(user, search, "completed")).result).toMatchObject({
    results: [{ text: expect.stringContaining("zeppelin") }, {}, {}],
  });
  const generate = await worked.submit(user, "generate", {
    text: "When did the zeppelin land?",
    search: true,
  });
  const answer = (await worked.until(user, generate, "completed")).result;
  expect(answer).toMatchObject({
    generated_text: "It was seen [2].",
    citations: [{ index: 2, file_id: fileId }],
    usage: { prompt_tokens: 10 },
  });
  const plain = await worked.submit(user, "generate", { text: "Hello" });
  expect((await worked.until(user, plain, "completed")).result).toMatchObject({ citations: [] });
  const missing = await worked.submit(user, "generate", { text: "Hello", model: "other/model" });
  expect((await worked.until(user, missing, "failed")).problem?.code).toBe("unknown_model");
  await worker.stop(1000);
});

it("goes on where a worker left off, and begins anew for another model", async () => {
  const slow = worked.start({ openInference: (onStatus) => fakeInference({ embedMs: 15 }, onStatus) });
  const { fileId, taskId } = await worked.upload(user, "long.txt", sentences(4000, "birds"));
  await expect.poll(async () => (await read(fileId)).chunks.done, { interval: 20 }).toBeGreaterThan(20);
  await slow.stop(400);
  const before = (await read(fileId)).chunks.done;
  await worked.until(user, taskId, "queued");

  const second = fakeInference({});
  const next = worked.start({
    openInference: (onStatus) => ({ ...second, load: fakeInference({}, onStatus).load }),
  });
  await worked.until(user, taskId, "completed");
  const { ordinals, vectors } = await stored(fileId);
  expect([ordinals, [...vectors]]).toEqual([upTo(ordinals.length), [1]]);
  expect(second.embedded).toHaveLength(ordinals.length - before);
  await next.stop(1000);

  const again = worked.start({ openInference: (onStatus) => fakeInference({ embedMs: 15 }, onStatus) });
  const other = await worked.upload(user, "longer.txt", sentences(4000, "fish"));
  await expect.poll(async () => (await read(other.fileId)).chunks.done, { interval: 20 }).toBeGreaterThan(20);
  await again.stop(400);
  const last = worked.start({
    openInference: (onStatus) => fakeInference({ embeddingId: "test/other" }, onStatus),
  });
  await worked.until(user, other.taskId, "completed");
  const models = await inUserTransaction(
    worked.database,
    user,
    (sql) => sql`select distinct model from embeddings where file_id = ${other.fileId}`,
  );
  expect([...models]).toEqual([{ model: "test/other" }]);
  expect((await read(other.fileId)).embedding_model).toBe("test/other");
  await last.stop(1000);
});

it("fails a file that has no text with a problem that says so", async () => {
  const worker = worked.start();
  const { fileId, taskId } = await worked.upload(user, "blank.txt", " \n \n\t ");
  const task = await worked.until(user, taskId, "failed");
  expect([task.problem?.code, task.attempt]).toEqual(["document_no_text", 1]);
  expect(await read(fileId)).toMatchObject({ status: "failed", problem: { code: "document_no_text" } });
  await worker.stop(1000);
});

it("goes on after the database was away, in the same attempt", async () => {
  const proxy = await openTcpProxy(stack.databaseUrl);
  const database = openDatabase({ url: proxy.url, role: "genq_worker", max: 4, prepare: true });
  const worker = worked.start({
    database,
    openInference: (onStatus) => fakeInference({ embedMs: 5 }, onStatus),
  });
  const { fileId, taskId } = await worked.upload(user, "outage.txt", sentences(3000, "storms"));
  await expect.poll(async () => (await read(fileId)).chunks.done, { interval: 20 }).toBeGreaterThan(0);
  proxy.refuse();
  await sleep(3000);
  expect((await getTask(worked.api, user, taskId)).status).toBe("processing");
  proxy.pass();
  const task = await worked.until(user, taskId, "completed", 20_000);
  expect([task.attempt, task.unreportedAttempts]).toEqual([1, 0]);
  const { ordinals } = await stored(fileId);
  expect(ordinals).toEqual(upTo(ordinals.length));
  await worker.stop(1000);
  await closeDatabase(database);
  await proxy.close();
});

it("names the page that could not be read, and keeps the rest", async () => {
  const worker = worked.start();
  const page = (text: string) => deflateSync(`BT /F1 12 Tf 72 700 Td (${text}) Tj ET`);
  const pdf = writePdf([page("Good morning."), page("Lost.").fill(0, 4), page("Good night.")]);
  const { fileId, taskId } = await worked.upload(user, "torn.pdf", pdf, { mediaType: "application/pdf" });
  const task = await worked.until(user, taskId, "completed");
  expect(task.result).toMatchObject({ status: "partial", pages: 3, failed_pages: [2], chunks: 2 });
  expect(await read(fileId)).toMatchObject({ status: "partial", pages: { done: 3, total: 3, failed: [2] } });
  const search = await worked.submit(user, "search", { query: "Good night.", k: 1, file_ids: [fileId] });
  expect((await worked.until(user, search, "completed")).result).toMatchObject({
    results: [{ page: 3, text: expect.stringContaining("night") }],
  });
  await worker.stop(1000);
});

it("fails the file of a canceled ingestion", async () => {
  const { fileId, taskId } = await worked.upload(user, "canceled.txt", "Never read.");
  await cancelTask(worked.api, user, taskId);
  expect(await read(fileId)).toMatchObject({ status: "failed", problem: { code: "task_canceled" } });
});

it("ends quietly when the file is deleted in the middle, and leaves nothing", async () => {
  const worker = worked.start({ openInference: (onStatus) => fakeInference({ embedMs: 20 }, onStatus) });
  const { fileId, taskId } = await worked.upload(user, "gone.txt", sentences(4000, "ghosts"));
  await expect.poll(async () => (await read(fileId)).chunks.done, { interval: 20 }).toBeGreaterThan(0);
  await deleteFile(worked.api.database, user, fileId);
  await expect.poll(() => worker.running()).toBe(0);
  await worked.until(user, taskId, "canceled");
  expect(await inUserTransaction(worked.database, user, (sql) => countChunks(sql, user, fileId))).toEqual({
    chunks: 0,
    tokens: 0,
  });
  await worker.stop(1000);
});

it("puts a replacement in the place of the older file when it is ready, not before", async () => {
  const worker = worked.start({ openInference: (onStatus) => fakeInference({ embedMs: 2 }, onStatus) });
  const old = await worked.upload(user, "news.txt", sentences(100, "monday"));
  await worked.until(user, old.taskId, "completed");
  const fresh = await worked.upload(user, "news.txt", sentences(3000, "tuesday"), { replace: true });
  await expect.poll(async () => (await read(fresh.fileId)).status, { interval: 10 }).toBe("embedding");
  expect((await read(old.fileId)).status).toBe("ready");
  await worked.until(user, fresh.taskId, "completed");
  await expect(read(old.fileId)).rejects.toThrow("gone");
  const search = await worked.submit(user, "search", { query: "monday", k: 100 });
  const { result } = await worked.until(user, search, "completed");
  expect(JSON.stringify(result)).not.toContain("monday");
  await worker.stop(1000);
});

it.skipIf(process.platform !== "linux")(
  "goes on with a document whose parser crashed, and counts the crash apart",
  async () => {
    const worker = worked.start({ openInference: (onStatus) => fakeInference({ embedMs: 2 }, onStatus) });
    const { fileId, taskId } = await worked.upload(user, "crash.txt", sentences(20_000, "crashes"));
    const parser = await vi.waitUntil(findParser, { timeout: 10_000, interval: 5 });
    process.kill(parser, "SIGSEGV");
    const done = await worked.until(user, taskId, "completed", 25_000);
    expect([done.attempt, done.unreportedAttempts]).toEqual([2, 1]);
    const { ordinals, vectors } = await stored(fileId);
    expect([ordinals, [...vectors]]).toEqual([upTo(ordinals.length), [1]]);
    await worker.stop(1000);
  },
);

async function findParser(): Promise<number | undefined> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
  for (const pid of children.split(" ").filter(Boolean)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes("documents/child/main.ts")) return Number(pid);
  }
  return undefined;
}
