import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate } from "../src/db/migrate.ts";
import { migrateQueue } from "../src/queue/migrate.ts";
import { createDatabase, databaseUrl, dropDatabases, templateName } from "./databases.ts";
import { startPostgres, startSupabase } from "./embedded.ts";

/** The URLs of `npm run test:servers`. */
export interface TestServers {
  databaseUrl: string;
  queueUrl: string;
}

/** What each test file's own database is copied from. */
export type TestTemplate =
  | { kind: "embedded"; dataDir: string }
  | { kind: "server"; adminUrl: string; queueUrl: string; prefix: string };

declare module "vitest" {
  interface ProvidedContext {
    servers: TestServers | undefined;
    template: TestTemplate;
  }
}

/** Makes the template once for a run: Supabase's tables, genq's and BullMQ's. Returns how to take it away. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = project.getProvidedContext().servers;
  const folder = await mkdtemp(join(tmpdir(), "genq-template-"));
  if (servers === undefined) {
    const postgres = await startPostgres(folder);
    await fillTemplate(postgres.url, folder).finally(() => postgres.stop());
    project.provide("template", { kind: "embedded", dataDir: folder });
    return () => rm(folder, { recursive: true, force: true });
  }
  const prefix = `genq_test_${randomBytes(4).toString("hex")}`;
  await createDatabase(servers.databaseUrl, templateName(prefix));
  await fillTemplate(databaseUrl(servers.databaseUrl, templateName(prefix)), folder);
  await rm(folder, { recursive: true, force: true });
  project.provide("template", {
    kind: "server",
    adminUrl: servers.databaseUrl,
    queueUrl: servers.queueUrl,
    prefix,
  });
  return () => dropDatabases(servers.databaseUrl, prefix);
}

async function fillTemplate(url: string, folder: string): Promise<void> {
  const supabase = await startSupabase(folder, url);
  await supabase.stop();
  await migrate(url);
  await migrateQueue(url);
}
