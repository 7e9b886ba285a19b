import { afterAll, describe, expect, inject, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { closeDatabase, hasQueueRoom, inServiceTransaction, openDatabase } from "../db/index.ts";
import { openQueues } from "../queue/index.ts";
import { submitTask } from "./submit-task.ts";

const stack = await openTestStack();
const open = (role: "genq_api" | "genq_worker") =>
  openDatabase({ url: stack.databaseUrl, role, max: 10, prepare: true });
// As two processes of the api have them.
const apis = [open("genq_api"), open("genq_api")];
const worker = open("genq_worker");
const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
const maxQueuedTasks = 10;
afterAll(async () => {
  await queues.close();
  await Promise.all([...apis, worker].map(closeDatabase));
});

const grouped = { texts: ["a"], kind: "query" as const };
/** Too long for a group: in a transaction of its own. */
const alone = { texts: ["a".repeat(20_000)], kind: "query" as const };

describe("fifty submits at once leave no more tasks waiting than may", () => {
  it.each([
    ["in groups", [grouped], ["embed"]],
    ["each alone", [alone], ["embed"]],
    ["both", [grouped, alone], ["embed", "search"]],
  ] as const)("%s, by two processes", async (_name, payloads, kinds) => {
    const user = await stack.createUser();
    const submit = (index: number) => {
      const database = apis[index % 2];
      if (database === undefined) throw new Error("There are two.");
      const services = { database, queues, maxQueuedTasks };
      const payload = payloads[Math.floor(index / 2) % payloads.length] ?? grouped;
      return kinds[index % kinds.length] === "search"
        ? submitTask(services, { userId: user, kind: "search", payload: { query: "a", k: 3 } })
        : submitTask(services, { userId: user, kind: "embed", payload });
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => submit(index)));
    const rows = await inServiceTransaction(
      worker,
      (sql) => sql`select 1 from tasks where user_id = ${user} and status = 'queued'`,
    );
    expect(rows).toHaveLength(maxQueuedTasks);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(50 - maxQueuedTasks);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: "queue_limit_reached" } });
  });
});

// The embedded Postgres runs one transaction at a time.
const isServer = inject("template").kind !== "embedded";
it.runIf(isServer)("a hung transaction of a user close to the limit holds up nobody else", async () => {
  const [close, other] = [await stack.createUser(), await stack.createUser()];
  const [database] = apis;
  if (database === undefined) throw new Error("There are two.");
  const submit = (userId: string, most: number) =>
    submitTask({ database, queues, maxQueuedTasks: most }, { userId, kind: "embed", payload: grouped });
  const hung = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = inServiceTransaction(worker, async (sql) => {
    await hasQueueRoom(sql, close, maxQueuedTasks);
    locked.resolve();
    await hung.promise;
  });
  await locked.promise;
  const waits = submit(close, maxQueuedTasks);
  try {
    // Far from the limit: in groups, one after the other.
    for (let count = 0; count < 3; count++) await submit(other, 10_000);
  } finally {
    hung.resolve();
  }
  await holder;
  expect((await waits).task.userId).toBe(close);
});
