import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { closeDatabase, inUserTransaction, openDatabase } from "../db/index.ts";
import type { Queues } from "../queue/index.ts";
import { submitTask } from "./index.ts";

const stack = await openTestStack();
const database = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 2, prepare: true });
afterAll(() => closeDatabase(database));

const rung: string[] = [];
const queues: Queues = {
  backend: "redis",
  ring: ({ taskId }) => Promise.resolve(rung.push(taskId) > 0),
  ringAll: (_queue, rings) => Promise.resolve(rings.length),
  waiting: () => Promise.resolve(0),
  probe: () => Promise.resolve(true),
  inspect: () => Promise.resolve(undefined),
  ping: () => Promise.resolve(true),
  close: () => Promise.resolve(),
};
const payload = { texts: ["a"], kind: "query" as const };

it("accepts no task whose COMMIT fails, and rings for none", async () => {
  // A check that Postgres makes inside COMMIT, after all statements of the transaction have been answered.
  await database.sql.unsafe(`
    create function genq.refuse() returns trigger language plpgsql as $$ begin raise exception 'no' using errcode = 'GQ999'; end $$;
    create constraint trigger refuse after insert on genq.tasks deferrable initially deferred
      for each row when (new.kind = 'search') execute function genq.refuse()`);
  const user = await stack.createUser();
  const services = { database, queues, maxQueuedTasks: 10 };
  const idempotency = { key: "key", requestHash: "hash" };
  const refused = submitTask(services, {
    userId: user,
    kind: "search",
    payload: { query: "a", k: 1 },
    idempotency,
  });
  await expect(refused).rejects.toMatchObject({ code: "GQ999" });
  expect(rung).toEqual([]);
  const left = await inUserTransaction(
    database,
    user,
    (sql) => sql`select 1 from tasks union all select 1 from idempotency_keys`,
  );
  expect(left).toHaveLength(0);

  // The key was not used up.
  const { task, replayed } = await submitTask(services, {
    userId: user,
    kind: "embed",
    payload,
    idempotency,
  });
  expect([replayed, rung]).toEqual([false, [task.id]]);
});

it("keeps a key for 24 hours, and no longer", async () => {
  const user = await stack.createUser();
  const services = { database, queues, maxQueuedTasks: 10 };
  const submit = async () => {
    const idempotency = { key: "daily", requestHash: "hash" };
    const made = await submitTask(services, { userId: user, kind: "embed", payload, idempotency });
    return [made.task.id, made.replayed];
  };
  const age = (interval: string) =>
    inUserTransaction(
      database,
      user,
      (sql) =>
        sql`update idempotency_keys set created_at = now() - ${interval}::interval where key = 'daily'`,
    );
  const [first] = await submit();
  await age("23 hours 59 minutes");
  expect(await submit()).toEqual([first, true]);
  await age("24 hours 1 minute");
  const [second, replayed] = await submit();
  expect(replayed).toBe(false);
  expect(second).not.toBe(first);
  expect(await submit()).toEqual([second, true]);
});
