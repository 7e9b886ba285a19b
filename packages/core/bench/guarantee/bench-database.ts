import { randomBytes, randomUUID } from "node:crypto";
import postgres from "postgres";
import { migrate } from "../../src/db/migrate.ts";
import { migrateQueue } from "../../src/queue/migrate.ts";
import { createDatabase, databaseUrl } from "../../test/databases.ts";

/** A database of the benchmark's own, on the server that was named. */
export interface BenchDatabase extends AsyncDisposable {
  url: string;
  queueUrl: string;
  /** Also what the queue's keys begin with. */
  name: string;
  userIds: string[];
  /** Whether every task is completed. @throws Error when one ended otherwise */
  allCompleted(): Promise<boolean>;
  completed(): Promise<number>;
  /** What autovacuum would do in time: without statistics the planner guesses. */
  tidy(): Promise<void>;
}

export async function openBenchDatabase(
  servers: { databaseUrl: string; queueUrl: string },
  users: number,
): Promise<BenchDatabase> {
  const name = `genq-bench-${randomBytes(4).toString("hex")}`;
  await createDatabase(servers.databaseUrl, name);
  const url = databaseUrl(servers.databaseUrl, name);
  const queueUrl = /^rediss?:/.test(servers.queueUrl) ? servers.queueUrl : url;
  await migrate(url);
  await migrateQueue(queueUrl);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const userIds = Array.from({ length: users }, () => randomUUID());
  await sql`insert into auth.users (id) select unnest(${userIds}::uuid[])`;
  return {
    url,
    queueUrl,
    name,
    userIds,
    allCompleted: async () => {
      const [row] = await sql<{ waiting: boolean }[]>`
        select exists (select from genq.tasks where status = 'queued')
          or exists (select from genq.tasks where status = 'processing') as waiting`;
      return row?.waiting === false;
    },
    completed: async () => {
      const rows = await sql<{ status: string; count: number }[]>`
        select status, count(*)::int from genq.tasks group by status`;
      if (rows.some((row) => row.status !== "completed")) throw new Error(JSON.stringify(rows));
      return rows[0]?.count ?? 0;
    },
    tidy: async () => void (await sql`vacuum analyze`),
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeout: 2 });
      const admin = postgres(servers.databaseUrl, { max: 1, onnotice: () => undefined });
      await admin`drop database ${admin(name)} with (force)`;
      await admin.end({ timeout: 2 });
    },
  };
}
