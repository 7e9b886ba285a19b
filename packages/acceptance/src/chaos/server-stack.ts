import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { testServers } from "../env.ts";
import { freePorts } from "../stack/free-ports.ts";
import type { ChaosStack } from "./stack.ts";
import { runToEnd, supervise } from "./supervised.ts";

const replicas = 2;
const readyMs = 60_000;

/** Two apis and two workers on a database of their own. @throws Error when the servers are not named */
export async function startServerEdition(): Promise<ChaosStack> {
  const servers = testServers();
  const stack = new AsyncDisposableStack();
  try {
    const folder = await mkdtemp(join(tmpdir(), "genq-chaos-"));
    let keep = false;
    stack.defer(async () => {
      if (!keep) await rm(folder, { recursive: true, force: true });
    });
    const name = `genq_chaos_${randomBytes(4).toString("hex")}`;
    await asAdmin(servers.databaseUrl, (sql) => sql`create database ${sql(name)}`);
    stack.defer(() => asAdmin(servers.databaseUrl, (sql) => sql`drop database ${sql(name)} with (force)`));
    const databaseUrl = Object.assign(new URL(servers.databaseUrl), { pathname: `/${name}` }).href;
    const redisUrl = /^rediss?:/.test(servers.queueUrl) ? servers.queueUrl : undefined;
    const logFile = (of: string) => join(folder, `${of}.log`);
    const run = (main: string, of: string, env: Record<string, string>) => {
      const supervised = supervise({ main: `apps/${main}/main.ts`, env, logFile: logFile(of) });
      stack.defer(() => supervised.stop());
    };

    const supabasePort = await freePorts();
    const supabase = supabaseEnv(folder, supabasePort, databaseUrl);
    const supabaseUrl = `http://127.0.0.1:${supabasePort}`;
    run("standalone/src/supabase", "supabase", supabase);
    await answers(`${supabaseUrl}/auth/v1/.well-known/jwks.json`, folder);
    const shared = { DATABASE_URL: databaseUrl, QUEUE_URL: redisUrl ?? databaseUrl };
    await runToEnd({ main: "apps/api/src/migrate/main.ts", env: shared, logFile: logFile("migrate") });
    const env = {
      ...shared,
      EDITION: "server",
      QUEUE_PREFIX: name.replaceAll("_", "-"),
      SUPABASE_URL: supabaseUrl,
      SUPABASE_PUBLISHABLE_KEY: supabase.SUPABASE_PUBLISHABLE_KEY,
      SUPABASE_SECRET_KEY: supabase.SUPABASE_SECRET_KEY,
      EMBEDDING_MODEL: "genq/mini-embedder",
      GENERATION_MODEL: "genq/mini-generator",
      MODELS_DIR: join(folder, "models"),
      HOST: "127.0.0.1",
      RATE_LIMIT_PER_MINUTE: "100000000",
      SHUTDOWN_GRACE_MS: "5000",
    };
    const apiUrls: string[] = [];
    for (let index = 0; index < replicas; index++) {
      const port = await freePorts();
      apiUrls.push(`http://127.0.0.1:${port}`);
      run("worker/src", `worker-${index}`, env);
      run("api/src", `api-${index}`, { ...env, PORT: String(port) });
      await answers(`${apiUrls[index]}/ready`, folder);
    }
    const kept = stack.move();
    return {
      edition: "server",
      apiUrls,
      supabaseUrl,
      publishableKey: supabase.SUPABASE_PUBLISHABLE_KEY,
      databaseUrl,
      redisUrl,
      limitedRestarts: false,
      keepFolder: () => {
        keep = true;
        return folder;
      },
      readWorkerLog: async () => {
        const logs = Array.from({ length: replicas }, (_, index) =>
          readFile(logFile(`worker-${index}`), "utf8"),
        );
        return (await Promise.all(logs)).join("\n");
      },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function supabaseEnv(folder: string, port: number, databaseUrl: string) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    GENQ_DATA_DIR: folder,
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    EXPERIMENTAL_STORAGE: "1",
    JWT_SECRET: randomBytes(32).toString("hex"),
    SIGNING_KEY: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    SUPABASE_PUBLISHABLE_KEY: `sb_publishable_${randomBytes(18).toString("hex")}`,
    SUPABASE_SECRET_KEY: `sb_secret_${randomBytes(18).toString("hex")}`,
    STORAGE_BUCKET: "genq",
    MAX_OBJECT_BYTES: String(50 * 1024 * 1024),
    SITE_URL: "http://127.0.0.1",
  };
}

async function answers(url: string, logs: string): Promise<void> {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
  throw new Error(`${url} did not answer within ${readyMs / 1000} s; see the logs in ${logs}.`);
}

async function asAdmin(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
