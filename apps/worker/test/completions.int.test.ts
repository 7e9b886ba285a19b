import type { EmbedResult } from "@genq/contract";
import {
  type ClaimedAlong,
  claimNext,
  closeDatabase,
  inServiceTransaction,
  openDatabase,
  type TaskRow,
} from "@genq/core/db";
import { getTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { openTcpProxy } from "@genq/core/testing/tcp-proxy";
import { afterAll, expect, it } from "vitest";
import { ClaimLostError } from "../src/claim-lost.ts";
import { createCompletions } from "../src/completions.ts";
import type { Run } from "../src/handlers/handler.ts";
import { inClaim } from "../src/in-claim.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
const proxy = await openTcpProxy(stack.databaseUrl);
// The text of a statement travels once in a connection: who breaks at one needs connections that are new to it.
const proxied = [1, 2].map(() =>
  openDatabase({ url: proxy.url, role: "genq_worker", max: 2, prepare: true }),
);
const ending = new AbortController();
afterAll(async () => {
  await worked[Symbol.asyncDispose]();
  await Promise.all(proxied.map(closeDatabase));
  await proxy.close();
});

const result: EmbedResult = {
  model: "none",
  dimensions: 1,
  embeddings: [[1]],
  usage: { prompt_tokens: 1, truncated_tokens: [0] },
};

const submitMany = (count: number, userId = user) =>
  Promise.all(
    Array.from({ length: count }, () => worked.submit(userId, "embed", { texts: ["a"], kind: "query" })),
  );

async function claimMany(count: number): Promise<TaskRow[]> {
  await submitMany(count);
  const { tasks } = await claimNext(worked.database, "embed", {
    limit: count,
    leaseMs: 60_000,
    runningPerUser: 1000,
  });
  expect(tasks).toHaveLength(count);
  return tasks;
}

function completer({ database = worked.database, runningPerUser = 1000, stopping = false } = {}) {
  const handed: ClaimedAlong["tasks"] = [];
  const claimer = {
    terms: { leaseMs: 60_000, runningPerUser },
    hand: ({ tasks }: Pick<ClaimedAlong, "tasks">) => void handed.push(...tasks),
  };
  const completions = createCompletions({
    database,
    claimer,
    ending: ending.signal,
    isStopping: () => stopping,
  });
  let alone = 0;
  const complete = (task: TaskRow, outcome: EmbedResult = result) => {
    const { queue } = task;
    const claim = { taskId: task.id, attempt: task.attempt };
    const write: Run["write"] = (work) => {
      alone++;
      return inClaim(database, { userId: user, claim }, ending.signal, work);
    };
    return completions.complete({ claim, queue }, outcome, write);
  };
  return { complete, alone: () => alone, handed };
}

const read = (task: TaskRow | undefined) => getTask(worked.api, user, String(task?.id));

it("completes all of a group but the one whose claim is another's, and tells each of its own", async () => {
  const tasks = await claimMany(12);
  const stale = tasks[7];
  await inServiceTransaction(
    worked.database,
    (sql) => sql`update tasks set attempt = attempt + 1 where id = ${String(stale?.id)}`,
  );
  const { complete, alone } = completer();
  const outcomes = await Promise.allSettled(tasks.map((task) => complete(task)));
  for (const [index, outcome] of outcomes.entries()) {
    if (index === 7) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(ClaimLostError) });
      expect(await read(tasks[index])).toMatchObject({ status: "processing", result: null, attempt: 2 });
    } else {
      expect(outcome.status).toBe("fulfilled");
      expect(await read(tasks[index])).toMatchObject({ status: "completed", result, attempt: 1 });
    }
  }
  expect(alone()).toBe(0);
  const times = await Promise.all(tasks.map(async (task) => (await read(task)).finishedAt?.getTime()));
  // now() is the time of the transaction, and the stale task has none.
  expect(new Set(times).size).toBeLessThanOrEqual(3);
  const log = await inServiceTransaction(
    worked.database,
    (sql) => sql`select writer_attempt from task_transitions
      where to_status = 'completed' and task_id = any (${tasks.map((task) => task.id)}::uuid[])`,
  );
  expect(log.map((row) => row["writer_attempt"])).toEqual(Array(11).fill(1));
  expect(await inServiceTransaction(worked.database, (sql) => sql`select 1 from stale_writes`)).toHaveLength(
    0,
  );
});

it("lets a result that Postgres can't store fail its own task only", async () => {
  const tasks = await claimMany(6);
  const { complete, alone } = completer();
  const outcomes = await Promise.allSettled(
    tasks.map((task, index) => complete(task, index === 2 ? { ...result, model: "\u0000" } : result)),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(
    tasks.map((_, index) => (index === 2 ? "rejected" : "fulfilled")),
  );
  expect((await read(tasks[2])).status).toBe("processing");
  for (const task of tasks.filter((_, index) => index !== 2)) {
    expect(await read(task)).toMatchObject({ status: "completed", result });
  }
  expect(alone()).toBeGreaterThan(0);
});

it("reports all of a group once the database is back", async () => {
  const tasks = await claimMany(5);
  const { complete } = completer({ database: proxied[0] });
  const broken = proxy.breakAt("held.result::jsonb", "before");
  const completed = Promise.all(tasks.map((task) => complete(task)));
  await broken;
  await completed;
  for (const task of tasks) expect(await read(task)).toMatchObject({ status: "completed", attempt: 1 });
});

it("finds a commit whose answer was lost to be done, and never writes it twice", async () => {
  const [task] = await claimMany(1);
  if (task === undefined) throw new Error("nothing was claimed");
  const { complete } = completer({ database: proxied[1] });
  const broken = proxy.breakAt("commit", "after");
  // The second try finds the claim ended by the first.
  const outcome = complete(task).then(
    () => "completed",
    (error: unknown) => error,
  );
  await broken;
  expect(await outcome).toBeInstanceOf(ClaimLostError);
  expect((await read(task)).status).toBe("completed");
  const log = await inServiceTransaction(
    worked.database,
    (sql) => sql`select 1 from task_transitions where to_status = 'completed' and task_id = ${task.id}`,
  );
  expect(log).toHaveLength(1);
});

it("claims the next tasks in the transaction that completes, and tells when no more wait", async () => {
  const tasks = await claimMany(3);
  const waiting = await submitMany(5);
  const { complete, handed } = completer();
  expect(await Promise.all(tasks.map((task) => complete(task)))).toEqual([false, false, false]);
  expect(handed.map(({ id, attempt }) => [waiting.includes(id), attempt])).toEqual(Array(3).fill([true, 1]));
  const { finishedAt } = await read(tasks[0]);
  expect((await read(handed[0])).startedAt).toEqual(finishedAt);
  const log = await inServiceTransaction(
    worked.database,
    (sql) => sql`select writer_attempt from task_transitions
      where to_status = 'processing' and task_id = any (${handed.map((task) => task.id)}::uuid[])`,
  );
  expect(log.map((row) => row["writer_attempt"])).toEqual([null, null, null]);
  const three = handed.splice(0);
  expect(await Promise.all(three.map((task) => complete(task)))).toEqual([true, true, true]);
  expect(handed).toHaveLength(2);
  const stopping = completer({ stopping: true });
  await submitMany(1);
  await Promise.all(handed.map((task) => stopping.complete(task)));
  expect(stopping.handed).toEqual([]);
});

it("completes a group also where COMMIT refuses what it would claim", async () => {
  const tasks = await claimMany(8);
  const other = await stack.createUser();
  await submitMany(8, other);
  // Each in a transaction of its own, at the same time: none sees what the others claim.
  const completers = tasks.map(() => completer({ runningPerUser: 3 }));
  await Promise.all(tasks.map((task, index) => completers[index]?.complete(task)));
  for (const task of tasks) expect(await read(task)).toMatchObject({ status: "completed", attempt: 1 });
  expect(completers.map(({ alone }) => alone())).toEqual(Array(8).fill(0));
  const [row] = await inServiceTransaction(
    worked.database,
    (sql) => sql`select count(*)::int as tasks from tasks where status = 'processing' and user_id = ${other}`,
  );
  expect(row?.["tasks"]).toBe(
    completers.flatMap(({ handed }) => handed.filter((task) => task.userId === other)).length,
  );
  expect(row?.["tasks"]).toBeLessThanOrEqual(3);
});
