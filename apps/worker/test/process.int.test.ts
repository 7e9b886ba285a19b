import { once } from "node:events";
import { createServer } from "node:net";
import { inServiceTransaction, inUserTransaction, selectFile } from "@genq/core/db";
import { openStorage } from "@genq/core/storage";
import { cancelTask, getTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { addressPolicy, rotateWebhookSecret } from "@genq/core/webhooks";
import { afterAll, expect, it } from "vitest";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";
import { openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack({ supabase: true });
const storage = openStorage({
  supabaseUrl: stack.supabase.url,
  secretKey: stack.supabase.secretKey,
  bucket: "genq",
});
const user = await stack.createUser();
const worked = openWorkerStack(stack, storage);
const webhookPolicy = addressPolicy([]);
const started: WorkerProcess[] = [];
afterAll(async () => {
  for (const { child } of started) child.kill("SIGKILL");
  await worked[Symbol.asyncDispose]();
});

const env = {
  PATH: "/usr/bin:/bin",
  EDITION: "standalone",
  DATABASE_URL: stack.databaseUrl,
  QUEUE_URL: stack.queueUrl,
  QUEUE_PREFIX: stack.queuePrefix,
  SUPABASE_URL: stack.supabase.url,
  SUPABASE_SECRET_KEY: stack.supabase.secretKey,
  EMBEDDING_MODEL: "genq/mini-embedder",
  GENERATION_MODEL: "genq/mini-generator",
  SHUTDOWN_GRACE_MS: "3000",
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  return address.port;
}

function start(environment: Record<string, string>): WorkerProcess {
  const worker = startWorkerProcess(environment);
  started.push(worker);
  return worker;
}

const workerRows = async () =>
  (await inServiceTransaction(worked.database, (sql) => sql`select id from workers`)).length;
const chunksDone = (fileId: string) =>
  inUserTransaction(
    worked.database,
    user,
    async (sql) => (await selectFile(sql, user, fileId))?.file.chunks.done ?? 0,
  );

it("leaves an ingestion that was killed in the middle to another worker, with no chunk twice", async () => {
  await storage.ensureBucket();
  const first = start(env);
  const text = Array.from(
    { length: 6000 },
    (_, n) => `Line ${n} of the log names the number ${n * 7919}.\n`,
  ).join("");
  const { fileId, taskId } = await worked.upload(user, "long.txt", text);
  await expect.poll(() => chunksDone(fileId), { interval: 20 }).toBeGreaterThan(0);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");
  const before = await chunksDone(fileId);

  // Time passes: the lease of the dead worker runs out.
  await inServiceTransaction(
    worked.database,
    (sql) => sql`update tasks set lease_until = now() where id = ${taskId} and status = 'processing'`,
  );
  const second = start(env);
  const task = await worked.until(user, taskId, "completed", 60_000);
  expect([task.attempt, task.unreportedAttempts]).toEqual([2, 1]);
  const [stored] = await inUserTransaction(
    worked.database,
    user,
    (sql) => sql`
      select count(*)::int as chunks, count(distinct ordinal)::int as ordinals, max(ordinal) + 1 as next,
        (select count(*)::int from embeddings where file_id = ${fileId}) as vectors
      from chunks where file_id = ${fileId}`,
  );
  const chunks = Number(stored?.["chunks"]);
  expect(stored).toEqual({ chunks, ordinals: chunks, next: chunks, vectors: chunks });
  expect(chunks).toBeGreaterThan(before);
  expect(task.result).toMatchObject({ status: "ready", chunks });
  expect(second.lines.some((line) => line.includes('"event":"model_progress"'))).toBe(true);
  expect(second.lines.join("\n")).not.toContain("names the number");

  expect(await workerRows()).toBe(2);
  expect(await second.end("SIGTERM")).toBe(0);
  // The killed one could not take itself off the list.
  expect(await workerRows()).toBe(1);
}, 90_000);

it("answers from a file with the bundled models, serves its own state, and gives back what a stop cuts off", async () => {
  const port = await freePort();
  const worker = start({ ...env, WORKER_PORT: String(port), LOG_LEVEL: "debug" });
  const facts = [
    "The lighthouse of Norvik is 41 metres high.",
    "The harbour freezes in January.",
    "Ferries leave at noon.",
  ];
  const { fileId, taskId } = await worked.upload(user, "norvik.txt", facts.join(" "));
  await worked.until(user, taskId, "completed", 30_000);
  const ask = { text: "How high is the lighthouse of Norvik?", file_ids: [fileId] };
  const answer = await worked.until(user, await worked.submit(user, "generate", ask), "completed", 30_000);
  expect(answer.result).toMatchObject({
    generated_text: expect.stringContaining("41 metres"),
    model: "genq/mini-generator",
    citations: [{ file_id: fileId, index: 1 }],
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  await expect.poll(async () => (await get("/ready")).status).toBe(200);
  expect(await (await get("/health")).json()).toMatchObject({ status: "ok", running: 0 });
  expect(await (await get("/metrics")).text()).toContain(
    'genq_task_runs_total{kind="generate",outcome="completed"} 1',
  );
  expect(worker.lines.join("\n")).not.toMatch(/lighthouse|Norvik/i);

  const text = Array.from(
    { length: 30_000 },
    (_, n) => `Line ${n} of the log names the number ${n * 7}.\n`,
  ).join("");
  const long = await worked.upload(user, "longer.txt", text);
  await expect.poll(() => chunksDone(long.fileId), { interval: 20 }).toBeGreaterThan(0);
  const stoppedAt = performance.now();
  expect(await worker.end("SIGTERM")).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(3000);
  const task = await worked.until(user, long.taskId, "queued");
  expect([task.attempt, task.lifeAttempts, task.unreportedAttempts]).toEqual([1, 0, 0]);
  await cancelTask(worked.api, user, long.taskId);
}, 90_000);

it("told to stop at an ingestion and generations, it finishes them or gives them back uncharged, and all is done once", async () => {
  const { secret } = (await rotateWebhookSecret({ ...worked.api, webhookPolicy }, user, null)).answer;
  expect(secret).not.toBeNull();
  const first = start(env);
  const text = Array.from({ length: 15_000 }, (_, n) => `Line ${n} of the log names the number ${n * 11}.\n`);
  const file = await worked.upload(user, "deployed.txt", text.join(""));
  const ask = { text: "Tell me everything about lighthouses.", max_new_tokens: 512 };
  const webhook = { url: "http://127.0.0.1:65535/" };
  const submit = () => worked.submit(user, "generate", { ...ask, webhook });
  await expect.poll(() => chunksDone(file.fileId), { timeout: 30_000, interval: 20 }).toBeGreaterThan(0);
  // Not before: the mini model is soon through with a dozen.
  const asked = await Promise.all(Array.from({ length: 12 }, submit));
  const tasks = [file.taskId, ...asked];
  const all = () => Promise.all(tasks.map((id) => getTask(worked.api, user, id)));
  await expect
    .poll(
      async () =>
        (await all()).filter(({ kind, status }) => kind === "generate" && status === "processing").length,
      {
        timeout: 30_000,
        interval: 5,
      },
    )
    .toBeGreaterThan(0);

  const stoppedAt = performance.now();
  expect(await first.end("SIGTERM")).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(Number(env.SHUTDOWN_GRACE_MS));
  for (const task of await all()) {
    // Finished, or given back: nothing is left to its lease, and what was given back cost nothing.
    expect(["completed", "queued"]).toContain(task.status);
    if (task.status === "queued") expect([task.lifeAttempts, task.unreportedAttempts]).toEqual([0, 0]);
  }
  const givenBack = (await all()).filter(({ status, attempt }) => status === "queued" && attempt > 0);
  expect(givenBack.map(({ id }) => id)).toContain(file.taskId);

  const second = start(env);
  for (const id of tasks) await worked.until(user, id, "completed", 60_000);
  for (const task of await all()) expect([task.lifeAttempts, task.unreportedAttempts]).toEqual([1, 0]);
  const [effects] = await inServiceTransaction(
    worked.database,
    (sql) => sql`
      select
        (select count(*)::int from task_transitions where task_id = any (${tasks}) and to_status = 'completed') as ends,
        (select count(*)::int from webhook_deliveries where task_id = any (${asked})) as events,
        (select count(*)::int from stale_writes where task_id = any (${tasks})) as stale`,
  );
  expect(effects).toEqual({ ends: tasks.length, events: asked.length, stale: 0 });
  const [stored] = await inUserTransaction(
    worked.database,
    user,
    (sql) => sql`
      select count(*)::int as chunks, count(distinct ordinal)::int as ordinals, max(ordinal) + 1 as next,
        (select count(*)::int from embeddings where file_id = ${file.fileId}) as vectors
      from chunks where file_id = ${file.fileId}`,
  );
  const chunks = Number(stored?.["chunks"]);
  expect(stored).toEqual({ chunks, ordinals: chunks, next: chunks, vectors: chunks });
  expect(await second.end("SIGTERM")).toBe(0);
}, 150_000);

it("names everything that is wrong with its environment and ends with 1", async () => {
  const worker = start({
    ...env,
    DATABASE_URL: "",
    QUEUE_URL: "http://x",
    WORKER_PORT: "70000",
  });
  await expect.poll(() => worker.child.exitCode).toBe(1);
  expect(worker.lines.join("\n")).toMatch(/DATABASE_URL[\s\S]*QUEUE_URL[\s\S]*WORKER_PORT/);
});

it("names a model that it does not know and ends with 1", async () => {
  const worker = start({ ...env, EMBEDDING_MODEL: "no/such" });
  await expect.poll(() => worker.child.exitCode).toBe(1);
  expect(worker.lines.join("\n")).toContain("no/such");
  expect(worker.lines.join("\n")).not.toContain("    at ");
});
