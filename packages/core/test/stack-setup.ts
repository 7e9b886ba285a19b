import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate } from "../src/db/migrate.ts";
import { migrateQueue } from "../src/queue/migrate.ts";
import { type Child, freePort, startChild } from "./children.ts";
import { createDatabase, databaseUrl, dropDatabase } from "./databases.ts";
import { startSupabase } from "./embedded.ts";
import type { TestServers } from "./template-setup.ts";

/** A running genq as its clients see it: what the smoke tests get by `inject("stack")`. */
export interface RunningStack {
  edition: "standalone" | "server";
  apiUrl: string;
  supabaseUrl: string;
  publishableKey: string;
}

declare module "vitest" {
  interface ProvidedContext {
    stack: RunningStack;
    smokeApiUrl: string | undefined;
  }
}

/**
 * Takes the stack of SMOKE_API_URL, or starts genq as a user would: `npm start` on the embedded stack, or an api and a worker of the server edition on the
 * servers of `npm run test:servers`. Returns how to end it.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { servers, smokeApiUrl } = project.getProvidedContext();
  if (smokeApiUrl !== undefined) {
    project.provide("stack", await describeStack(smokeApiUrl));
    return () => Promise.resolve();
  }
  const folder = await mkdtemp(join(tmpdir(), "genq-smoke-"));
  const { stack, stop } = await (servers === undefined
    ? startStandalone(folder)
    : startServerEdition(folder, servers));
  project.provide("stack", stack);
  return async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** @throws Error when no genq answers there */
async function describeStack(apiUrl: string): Promise<RunningStack> {
  const read = async (path: string) =>
    (await fetch(`${apiUrl}${path}`)).json() as Promise<Record<string, string>>;
  const [config, health] = await Promise.all([read("/config"), read("/health")]);
  const { supabase_url: supabaseUrl, supabase_publishable_key: publishableKey } = config;
  const { edition } = health;
  if (!supabaseUrl || !publishableKey || (edition !== "server" && edition !== "standalone")) {
    throw new Error(`What answers at ${apiUrl} is no genq.`);
  }
  return { edition, apiUrl, supabaseUrl, publishableKey };
}

interface Started {
  stack: RunningStack;
  stop(): Promise<void>;
}

async function startStandalone(folder: string): Promise<Started> {
  // The api's, Supabase's and the database's.
  const port = await freePort(3);
  const launcher = await startChild({
    main: "apps/standalone/src/main.ts",
    arguments: ["--json", "--models", "mini", "--port", String(port), "--data", folder],
    readyLine: '{"ready":true',
  });
  const ready = JSON.parse(launcher.readyLine) as Record<
    "api_url" | "supabase_url" | "publishable_key",
    string
  >;
  return {
    stack: {
      edition: "standalone",
      apiUrl: ready.api_url,
      supabaseUrl: ready.supabase_url,
      publishableKey: ready.publishable_key,
    },
    stop: () => launcher.stop(),
  };
}

async function startServerEdition(folder: string, servers: TestServers): Promise<Started> {
  const name = `genq_smoke_${randomBytes(4).toString("hex")}`;
  const database = databaseUrl(servers.databaseUrl, name);
  const queue = /^rediss?:/.test(servers.queueUrl) ? servers.queueUrl : database;
  await createDatabase(servers.databaseUrl, name);
  const started: Child[] = [];
  const stop = async () => {
    for (const child of started.reverse()) await child.stop();
    await dropDatabase(servers.databaseUrl, name);
  };
  try {
    const supabase = await startSupabase(folder, database);
    started.push(supabase);
    await migrate(database);
    await migrateQueue(queue);
    const port = await freePort();
    const apiUrl = `http://127.0.0.1:${port}`;
    const env = {
      EDITION: "server",
      DATABASE_URL: database,
      QUEUE_URL: queue,
      QUEUE_PREFIX: name.replaceAll("_", "-"),
      SUPABASE_URL: supabase.url,
      SUPABASE_PUBLISHABLE_KEY: supabase.publishableKey,
      SUPABASE_SECRET_KEY: supabase.secretKey,
      EMBEDDING_MODEL: "genq/mini-embedder",
      GENERATION_MODEL: "genq/mini-generator",
      MODELS_DIR: join(folder, "models"),
      HOST: "127.0.0.1",
      PORT: String(port),
    };
    // It says nothing when it is ready; the api's /ready does.
    const worker = { main: "apps/worker/src/main.ts", env, ready: () => Promise.resolve(true) };
    started.push(await startChild(worker));
    const ready = async () => (await fetch(`${apiUrl}/ready`)).ok;
    started.push(await startChild({ main: "apps/api/src/main.ts", env, ready }));
    const { url: supabaseUrl, publishableKey } = supabase;
    return { stack: { edition: "server", apiUrl, supabaseUrl, publishableKey }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
