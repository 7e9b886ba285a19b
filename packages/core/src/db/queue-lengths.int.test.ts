import { queueNames } from "@genq/contract";
import { afterAll, beforeEach, expect, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { closeDatabase, inServiceTransaction, openDatabase } from "./database.ts";
import { selectQueueDepths, selectQueueLags } from "./queue-lengths.ts";

const stack = await openTestStack();
const worker = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 1, prepare: true });
const user = await stack.createUser();
afterAll(() => closeDatabase(worker));
beforeEach(() => worker.sql`delete from genq.tasks`);

/** Tasks whose time came, or comes, so many minutes ago. */
const insert = (queue: string, tasks: number, minutesAgo: number) => worker.sql`
  insert into genq.tasks (id, user_id, kind, queue, payload, expires_at, turn, run_after)
  select gen_random_uuid(), ${user}, ${queue}, ${queue}, '{}', now() + interval '1 day', n,
    now() - make_interval(mins => ${minutesAgo})
  from generate_series(1, ${tasks}) n`;
await worker.sql`alter table genq.tasks disable trigger tasks_turn_insert`;

const depths = () => inServiceTransaction(worker, selectQueueDepths);
const lagOf = async (queue: string) =>
  (await inServiceTransaction(worker, selectQueueLags)).find((lag) => lag.queue === queue);

test("what waits is told for each queue, and what waits for its backoff is not due", async () => {
  await insert("embed", 7, 10);
  await insert("embed", 3, 20);
  await insert("embed", 5, -5);
  await insert("generate", 1, -5);
  expect(await depths()).toEqual(
    new Map(queueNames.map((queue) => [queue, { ingest: 0, embed: 15, generate: 1 }[queue]])),
  );
  expect(await lagOf("embed")).toEqual({ queue: "embed", due: 10, oldestSeconds: expect.closeTo(1200, -2) });
  expect(await lagOf("generate")).toEqual({ queue: "generate", due: 0, oldestSeconds: 0 });
  expect(await lagOf("ingest")).toEqual({ queue: "ingest", due: 0, oldestSeconds: 0 });
});

test("no more than 10,000 tasks of a queue are counted", async () => {
  await insert("embed", 10_100, 10);
  await insert("embed", 100, -5);
  expect((await depths()).get("embed")).toBe(10_000);
  expect((await lagOf("embed"))?.due).toBe(10_000);
});
