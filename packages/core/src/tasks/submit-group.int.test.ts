import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import {
  closeDatabase,
  inServiceTransaction,
  insertTasks,
  openDatabase,
  type Submission,
  submitFor,
} from "../db/index.ts";
import { openQueues } from "../queue/index.ts";
import { cancelTask, getTask } from "./manage-tasks.ts";
import { submitTask } from "./submit-task.ts";

const stack = await openTestStack();
const proxy = await openTcpProxy(stack.databaseUrl);
const open = (role: "genq_api" | "genq_worker", url: string) =>
  openDatabase({ url, role, max: 4, prepare: true });
const api = open("genq_api", stack.databaseUrl);
const proxied = open("genq_api", proxy.url);
const worker = open("genq_worker", stack.databaseUrl);
const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
const services = { database: api, queues, maxQueuedTasks: 10_000 };
/** So close to it that each submit has a transaction of its own. */
const limited = { ...services, maxQueuedTasks: 20 };
afterAll(async () => {
  await queues.close();
  await Promise.all([api, proxied, worker].map(closeDatabase));
  await proxy.close();
});

const payload = { texts: ["a"], kind: "query" as const };
const submit = (userId: string, idempotency?: { key: string; requestHash: string }) =>
  submitTask(services, { userId, kind: "embed", payload, idempotency });
const submitLimited = (userId: string) => submitTask(limited, { userId, kind: "embed", payload });
const countTasks = async (userId: string) =>
  (await inServiceTransaction(worker, (sql) => sql`select 1 from tasks where user_id = ${userId}`)).length;

test("submits at the same time share transactions, and each makes its own task for its own user", async () => {
  const users = await Promise.all([1, 2, 3, 4].map(() => stack.createUser()));
  const owners = Array.from({ length: 40 }, (_, index) => users[index % users.length] ?? "");
  const submitted = await Promise.all(owners.map((owner) => submit(owner)));
  expect(submitted.map(({ task }) => [task.userId, task.status])).toEqual(
    owners.map((owner) => [owner, "queued"]),
  );
  expect(new Set(submitted.map(({ task }) => task.id)).size).toBe(40);
  // now() is the time of the transaction.
  const transactions = new Set(submitted.map(({ task }) => task.createdAt.getTime()));
  expect(transactions.size).toBeLessThan(10);
  for (const [index, { task }] of submitted.entries()) {
    const { payload: stored, ...row } = await getTask(services, owners[index] ?? "", task.id);
    expect(stored).toEqual(payload);
    expect(row).toMatchObject({ status: "queued", attempt: 0, expiresAt: task.expiresAt });
  }
  const places = submitted.map(({ queue }) => queue.ahead);
  expect(new Set(places).size).toBe(40);
  await Promise.all(submitted.map(({ task }) => cancelTask(services, task.userId, task.id)));
});

test("each of a group gets its own answer", async () => {
  const [owner, full] = [await stack.createUser(), await stack.createUser()];
  const used = { key: randomUUID(), requestHash: "a" };
  const first = await submit(owner, used);
  for (let count = 0; count < 20; count++) await submitLimited(full);
  const outcomes = await Promise.allSettled([
    submit(owner),
    submitLimited(full),
    submit(owner, used),
    submit(owner, { ...used, requestHash: "b" }),
    submit(randomUUID()),
    submit(owner),
  ]);
  expect(outcomes).toMatchObject([
    { status: "fulfilled", value: { replayed: false } },
    { status: "rejected", reason: { code: "queue_limit_reached" } },
    { status: "fulfilled", value: { replayed: true, task: { id: first.task.id } } },
    { status: "rejected", reason: { code: "idempotency_mismatch" } },
    { status: "rejected", reason: { code: "unauthorized" } },
    { status: "fulfilled", value: { replayed: false } },
  ]);
  expect([await countTasks(owner), await countTasks(full)]).toEqual([3, 20]);
});

test("a key that was used makes no second task in a group", async () => {
  const owner = await stack.createUser();
  const used = { key: randomUUID(), requestHash: "a" };
  const first = await submit(owner, used);
  const [other, again] = await Promise.all([submit(owner), submit(owner, used)]);
  expect([other.replayed, again.replayed, again.task.id]).toEqual([false, true, first.task.id]);
  expect(await countTasks(owner)).toBe(2);
});

test("no more of a user's tasks are accepted at the same time than there is room for", async () => {
  const owner = await stack.createUser();
  const outcomes = await Promise.allSettled(Array.from({ length: 25 }, () => submitLimited(owner)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
  expect(await countTasks(owner)).toBe(20);
});

test("fifty equal requests at the same time make one task", async () => {
  const owner = await stack.createUser();
  const idempotency = { key: randomUUID(), requestHash: "same" };
  const submitted = await Promise.all(Array.from({ length: 50 }, () => submit(owner, idempotency)));
  expect(new Set(submitted.map(({ task }) => task.id)).size).toBe(1);
  expect(submitted.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await countTasks(owner)).toBe(1);
});

test("row level security keeps a group to the users that it names", async () => {
  const [named, other] = [await stack.createUser(), await stack.createUser()];
  const of = (userId: string): Submission => ({
    id: randomUUID(),
    userId,
    kind: "embed",
    payload,
    idempotency: undefined,
  });
  const { task } = await submit(other);
  await expect(
    inServiceTransaction(api, async (sql) => {
      await submitFor(sql, [of(named)]);
      expect(await sql`select 1 from tasks where id = ${task.id}`).toHaveLength(0);
      await insertTasks(sql, [of(other)]);
    }),
  ).rejects.toMatchObject({ code: "42501" });
  await expect(inServiceTransaction(api, (sql) => insertTasks(sql, [of(named)]))).rejects.toMatchObject({
    code: "42501",
  });
});

test("a connection that breaks in a group's transaction is an outage for each of them, and makes no false task", async () => {
  const owner = await stack.createUser();
  const away = { ...services, database: proxied };
  const add = () => submitTask(away, { userId: owner, kind: "embed", payload });
  const broken = proxy.breakAt("jsonb_to_recordset", "before");
  const outcomes = Promise.allSettled(Array.from({ length: 10 }, add));
  await broken;
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "database_unavailable" } });
  }
  expect(await countTasks(owner)).toBe(0);
  await expect.poll(() => add().then(({ task }) => task.status)).toBe("queued");
});
