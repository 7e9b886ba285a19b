import { randomBytes, randomUUID } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { afterAll, inject } from "vitest";
import { claimTask } from "./claim-task.ts";
import { createDatabase, databaseUrl, dropDatabase, templateName } from "./databases.ts";
import { startPostgres, startSupabase, type TestSupabase } from "./embedded.ts";
import { expectNoLeaks, openResources } from "./leaks.ts";
import type { TestTemplate } from "./template-setup.ts";

export type { TestSupabase } from "./embedded.ts";

/** What one integration test file has to itself. */
export interface TestStack {
  /** A migrated database: a PGlite of its own, or a database on the server of TEST_DATABASE_URL. */
  readonly databaseUrl: string;
  /** The server of TEST_QUEUE_URL; when that is Postgres, and on the embedded stack, this file's own database. */
  readonly queueUrl: string;
  readonly queuePrefix: string;
  /** Auth and Storage over this file's database, when they were asked for. */
  readonly supabase: TestSupabase;
  /** A user without a password, for tests that need no token. Resolves their id. */
  createUser(): Promise<string>;
  /** Claims a task ahead of its turn, through a worker's connection. Undefined when it can't be claimed now. */
  claimTask: typeof claimTask;
}

/**
 * Opens this file's stack and closes it after the file's own hooks; what the file left open fails it. Call it once, at
 * the top of an `*.int.test.ts`: `const stack = await openTestStack({ supabase: true });`
 */
export async function openTestStack(options: { supabase?: boolean } = {}): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), "genq-test-"));
  const queuePrefix = `test-${randomBytes(4).toString("hex")}`;
  const database = await openDatabase(inject("template"), folder, queuePrefix);
  const supabase = options.supabase ? await startSupabase(folder, database.url) : undefined;
  const atStart = openResources();

  afterAll(async () => {
    try {
      await expectNoLeaks(atStart);
    } finally {
      await supabase?.stop();
      await database.close().finally(() => rm(folder, { recursive: true, force: true }));
    }
  });
  return {
    databaseUrl: database.url,
    queueUrl: database.queueUrl,
    queuePrefix,
    get supabase() {
      if (supabase === undefined) throw new Error("Ask for it: openTestStack({ supabase: true }).");
      return supabase;
    },
    createUser: () => createUser(database.url),
    claimTask,
  };
}

interface TestDatabase {
  url: string;
  queueUrl: string;
  close(): Promise<void>;
}

async function openDatabase(template: TestTemplate, folder: string, name: string): Promise<TestDatabase> {
  if (template.kind === "embedded") {
    await cp(template.dataDir, folder, { recursive: true });
    const server = await startPostgres(folder);
    return { url: server.url, queueUrl: server.url, close: () => server.stop() };
  }
  const { adminUrl, prefix } = template;
  const databaseName = `${prefix}_${name}`;
  await createDatabase(adminUrl, databaseName, templateName(prefix));
  const url = databaseUrl(adminUrl, databaseName);
  return {
    url,
    queueUrl: /^rediss?:/.test(template.queueUrl) ? template.queueUrl : url,
    close: () => dropDatabase(adminUrl, databaseName),
  };
}

async function createUser(url: string): Promise<string> {
  const sql = postgres(url, { max: 1 });
  const id = randomUUID();
  try {
    await sql`insert into auth.users (id, email) values (${id}, ${`${id}@example.com`})`;
  } finally {
    await sql.end({ timeout: 2 });
  }
  return id;
}
