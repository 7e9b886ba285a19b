import { createClient } from "@supabase/supabase-js";
import { expect, it } from "vitest";
import { closeDatabase, inUserTransaction, openDatabase } from "../src/db/index.ts";
import { openQueues } from "../src/queue/index.ts";
import { openTestStack } from "./open-test-stack.ts";

const stack = await openTestStack({ supabase: true });

it("gives a migrated database whose rows belong to their user", async () => {
  const database = openDatabase({ url: stack.databaseUrl, role: "genq_api", max: 2, prepare: true });
  const user = await stack.createUser();
  const seen = await inUserTransaction(database, user, async (sql) => {
    const [row] = await sql<{ uid: string; tasks: number }[]>`
      select auth.uid()::text as uid, (select count(*)::int from genq.tasks) as tasks`;
    return row;
  });
  expect(seen).toEqual({ uid: user, tasks: 0 });
  await closeDatabase(database);
});

it("gives a queue that takes rings", async () => {
  const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
  await expect.poll(() => queues.ping()).toBe(true);
  expect(await queues.ring({ taskId: "a", queue: "embed", attempt: 0 })).toBe(true);
  await queues.close();
});

it("gives Supabase Auth and Storage", async () => {
  const { url, publishableKey } = stack.supabase;
  const client = createClient(url, publishableKey, { auth: { persistSession: false } });
  const { data, error } = await client.auth.signUp({ email: "a@example.com", password: "a long password" });
  expect(error).toBeNull();
  expect(data.session?.access_token).toBeTypeOf("string");
});
