import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  claimNext,
  closeDatabase,
  inServiceTransaction,
  insertTask,
  inUserTransaction,
  openDatabase,
} from "./index.ts";

const stack = await openTestStack();
const api = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 1, prepare: true });
const worker = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 1, prepare: true });
afterAll(() => Promise.all([closeDatabase(api), closeDatabase(worker)]));

test("a claim takes no task before its time", async () => {
  const user = await stack.createUser();
  const id = randomUUID();
  const payload = { texts: ["a"], kind: "query" as const };
  await inUserTransaction(api, user, (sql) =>
    insertTask(sql, { id, userId: user, kind: "embed", payload, fileId: null }),
  );
  const runAfter = (interval: string) =>
    inServiceTransaction(
      worker,
      (sql) => sql`update tasks set run_after = now() + ${interval}::interval where id = ${id}`,
    );
  const claim = async () => {
    const { tasks } = await claimNext(worker, "embed", { limit: 9, leaseMs: 10_000, runningPerUser: 9 });
    return tasks.map((task) => task.id);
  };
  await runAfter("1 minute");
  expect(await claim()).toEqual([]);
  await runAfter("-1 second");
  expect(await claim()).toEqual([id]);
});
