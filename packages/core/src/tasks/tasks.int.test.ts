import { createProblem } from "@genq/contract";
import { afterAll, describe, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  type Claim,
  claimNext,
  closeDatabase,
  completeTask,
  failTask,
  inServiceTransaction,
  inUserTransaction,
  openDatabase,
  releaseTask,
  renewLeases,
  takeBackAbandoned,
  takeSilentTasks,
  writeProgress,
} from "../db/index.ts";
import { openQueues } from "../queue/index.ts";
import { cancelTask, createTaskWatcher, deleteTask, getTask, retryTask, submitTask } from "./index.ts";

const stack = await openTestStack();
const api = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 8, prepare: true });
const worker = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 4, prepare: true });
const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
const services = { database: api, queues, maxQueuedTasks: 1000 };
afterAll(async () => {
  await queues.close();
  await closeDatabase(api);
  await closeDatabase(worker);
});

const payload = { texts: ["東京 and Zürich"], kind: "passage" as const };
const result = {
  model: "m",
  dimensions: 1,
  embeddings: [[1]],
  usage: { prompt_tokens: 3, truncated_tokens: [0] },
};

function submit(userId: string, idempotency?: { key: string; requestHash: string }) {
  return submitTask(services, { userId, kind: "embed", payload, idempotency });
}
const claim = (id: string, leaseMs = 10_000) => stack.claimTask(worker, id, leaseMs);
/** Claims, and lets the lease run out unreported. */
const abandon = async (id: string) => {
  expect(await claim(id, 1)).toMatchObject({ id });
  await new Promise((resolve) => setTimeout(resolve, 20));
  return inServiceTransaction(worker, (sql) => takeBackAbandoned(sql, 100));
};
const history = (userId: string, id: string) =>
  inUserTransaction(api, userId, async (sql) => {
    const rows = await sql<
      { to_status: string }[]
    >`select to_status from task_transitions where task_id = ${id} order by id`;
    return rows.map((row) => row.to_status);
  });

describe("submit", () => {
  it("makes one task of fifty equal requests with one key", async () => {
    const user = await stack.createUser();
    const idempotency = { key: "k", requestHash: "h" };
    const made = await Promise.all(Array.from({ length: 50 }, () => submit(user, idempotency)));
    expect(new Set(made.map((one) => one.task.id)).size).toBe(1);
    expect(made.filter((one) => !one.replayed)).toHaveLength(1);
    await expect(submit(user, { key: "k", requestHash: "other" })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
    const stranger = await submit(await stack.createUser(), idempotency);
    expect(stranger.replayed).toBe(false);
  });

  it("bounds how many tasks of one user wait", async () => {
    const [user, other] = [await stack.createUser(), await stack.createUser()];
    const two = { ...services, maxQueuedTasks: 2 };
    const submitTwo = (userId: string) => submitTask(two, { userId, kind: "embed", payload });
    const first = await submitTwo(user);
    await submitTwo(user);
    await expect(submitTwo(user)).rejects.toMatchObject({
      code: "queue_limit_reached",
      retryAfterSeconds: 10,
    });
    await submitTwo(other);
    await cancelTask(services, user, first.task.id);
    await submitTwo(user);
  });

  it("tells the place in the queue, which is the fair one", async () => {
    const [user, other] = [await stack.createUser(), await stack.createUser()];
    const generate = (userId: string) =>
      submitTask(services, { userId, kind: "generate", payload: { text: "Hi" } });
    const places = [await generate(user), await generate(user), await generate(user), await generate(other)];
    // The other's first turn comes with the user's first, and before the user's second.
    expect(places.map(({ queue }) => queue.ahead)).toEqual([0, 1, 2, 1]);
    for (const { task } of places) await cancelTask(services, task.userId, task.id);
  });
});

describe("claim", () => {
  it("goes to one of two workers", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    const options = { limit: 1000, leaseMs: 10_000, runningPerUser: 1000 };
    const claimed = await Promise.all([
      claimNext(worker, "embed", options),
      claimNext(worker, "embed", options),
    ]);
    expect(claimed.flatMap(({ tasks }) => tasks).filter(({ id }) => id === task.id)).toHaveLength(1);
  });

  it("lets a stale attempt write nothing", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    await abandon(task.id);
    expect(await claim(task.id)).toMatchObject({ attempt: 2, unreportedAttempts: 1 });
    const stale: Claim = { taskId: task.id, attempt: 1 };
    const writes = await inServiceTransaction(worker, async (sql) => [
      await writeProgress(sql, stale, { stage: "x", done: 1, total: 1, unit: "chunks" }),
      await completeTask(sql, stale, result),
      await failTask(sql, stale, createProblem("internal_error", "x")),
      await releaseTask(sql, stale, { delayMs: 0, counted: true }),
    ]);
    expect(writes).toEqual([false, false, false, false]);
    expect(await inServiceTransaction(worker, (sql) => renewLeases(sql, [stale], 1000))).toEqual([]);
    const current: Claim = { taskId: task.id, attempt: 2 };
    expect(await inServiceTransaction(worker, (sql) => completeTask(sql, current, result))).toBe(true);
    expect(await getTask(services, user, task.id)).toMatchObject({ status: "completed", result });
    expect(await history(user, task.id)).toEqual([
      "queued",
      "processing",
      "queued",
      "processing",
      "completed",
    ]);
  });

  it("quarantines a task whose attempts ended three times without a report", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect((await abandon(task.id)).requeued).toMatchObject([{ taskId: task.id, queue: "embed", attempt }]);
    }
    expect(await abandon(task.id)).toEqual({ requeued: [], poisoned: [task.id] });
    expect(await claim(task.id)).toBeUndefined();
    expect(await getTask(services, user, task.id)).toMatchObject({
      status: "failed",
      problem: { code: "poisoned" },
    });
    const again = await retryTask(services, user, task.id);
    expect(again.task).toMatchObject({ status: "queued", life: 2, unreportedAttempts: 0 });
    expect(await claim(task.id)).toMatchObject({ attempt: 4 });
  });

  it("expires what waited past its deadline, and holds back what waits for its backoff", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    await inServiceTransaction(
      worker,
      (sql) => sql`update tasks set expires_at = now() - interval '1 s' where id = ${task.id}`,
    );
    expect(await claim(task.id)).toBeUndefined();
    expect((await getTask(services, user, task.id)).status).toBe("expired");

    const second = (await submit(user)).task;
    await claim(second.id);
    await inServiceTransaction(worker, (sql) =>
      releaseTask(sql, { taskId: second.id, attempt: 1 }, { delayMs: 60_000, counted: true }),
    );
    expect(await claim(second.id)).toBeUndefined();
  });
});

describe("a terminal status", () => {
  it("is final in the database itself", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    expect((await cancelTask(services, user, task.id)).status).toBe("canceled");
    expect((await cancelTask(services, user, task.id)).status).toBe("canceled");
    await expect(
      inServiceTransaction(worker, (sql) => sql`update tasks set status = 'queued' where id = ${task.id}`),
    ).rejects.toMatchObject({ code: "GQ001" });
    await expect(retryTask(services, user, task.id)).rejects.toMatchObject({ code: "task_not_retryable" });
  });

  it("is needed for a deletion", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    await expect(deleteTask(services, user, task.id)).rejects.toMatchObject({ code: "task_not_finished" });
    await cancelTask(services, user, task.id);
    await deleteTask(services, user, task.id);
    await expect(getTask(services, user, task.id)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("another user", () => {
  it("finds nothing, by the query and by row level security", async () => {
    const owner = await stack.createUser();
    const stranger = await stack.createUser();
    const { task } = await submit(owner);
    for (const act of [getTask, cancelTask, retryTask, deleteTask]) {
      await expect(act(services, stranger, task.id)).rejects.toMatchObject({ code: "not_found" });
    }
    // No condition on the user here: what hides the row is the policy.
    const seen = (user: string) =>
      inUserTransaction(api, user, (sql) => sql`select id from tasks where id = ${task.id}`);
    expect(await seen(stranger)).toHaveLength(0);
    expect(await seen(owner)).toHaveLength(1);
    expect(await inServiceTransaction(api, (sql) => sql`select id from tasks`)).toHaveLength(0);
  });
});

describe("the reconciler's query", () => {
  it("gives each silent or abandoned task to one of those who ask", async () => {
    const user = await stack.createUser();
    const silent = (await submit(user)).task;
    const abandoned = (await submit(user)).task;
    await claim(abandoned.id, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await inServiceTransaction(
      worker,
      (sql) => sql`update tasks set run_after = now() - interval '1 minute' where id = ${silent.id}`,
    );
    const rounds = await Promise.all(
      [1, 2, 3].map(() =>
        inServiceTransaction(worker, async (sql) => [
          ...(await takeSilentTasks(sql, "embed", { silentMs: 20_000, limit: 1000 })),
          ...(await takeBackAbandoned(sql, 1000)).requeued,
        ]),
      ),
    );
    const taken = rounds.flat().map((ring) => ring.taskId);
    for (const id of [silent.id, abandoned.id]) expect(taken.filter((one) => one === id)).toHaveLength(1);
  });
});

describe("the watcher", () => {
  it("wakes when the task ends, and at the deadline", async () => {
    const user = await stack.createUser();
    const { task } = await submit(user);
    const watcher = createTaskWatcher(api);
    const begin = Date.now();
    await watcher.wait(task.id, { timeoutMs: 150 });
    expect(Date.now() - begin).toBeGreaterThanOrEqual(140);
    const waiting = watcher.wait(task.id, { timeoutMs: 10_000 });
    await cancelTask(services, user, task.id);
    await waiting;
    expect(Date.now() - begin).toBeLessThan(5000);
    watcher.close();
  });
});
