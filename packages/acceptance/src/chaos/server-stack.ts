import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { testServers } from "../env.ts";
import { freePorts } from "../stack/free-ports.ts";
import { openNetworkLink } from "../stack/network-link.ts";
import { openStorageProxy } from "../stack/storage-proxy.ts";
import { openTcpProxy } from "../stack/tcp-proxy.ts";
import type { ChaosStack, OutsideServer, Service } from "./stack.ts";
import { runToEnd, type Supervised, supervise } from "./supervised.ts";

const workerCount = 4;
const apiCount = 2;
/** Workers that are started only to make trouble. */
const extraWorkers = 2;
const readyMs = 60_000;

/** Two apis and four workers on a database of their own, each behind proxies of its own. @throws Error when the servers are not named */
export async function startServerEdition(): Promise<ChaosStack> {
  const servers = testServers();
  const stack = new AsyncDisposableStack();
  let owner = stack;
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
    const run = (options: {
      main: string;
      of: string;
      env: Record<string, string>;
      within?: readonly string[];
    }) => {
      const { main, of, ...rest } = options;
      const supervised = supervise({ main: `apps/${main}/main.ts`, logFile: logFile(of), ...rest });
      owner.defer(() => supervised.stop());
      return supervised;
    };

    const supabasePort = await freePorts();
    const supabase = supabaseEnv(folder, supabasePort, databaseUrl);
    const supabaseUrl = `http://127.0.0.1:${supabasePort}`;
    run({ main: "standalone/src/supabase", of: "supabase", env: supabase });
    await answers(`${supabaseUrl}/auth/v1/.well-known/jwks.json`, folder);
    const shared = { DATABASE_URL: databaseUrl, QUEUE_URL: redisUrl ?? databaseUrl };
    await runToEnd({ main: "apps/api/src/migrate/main.ts", env: shared, logFile: logFile("migrate") });
    const storage = await openStorageProxy(supabaseUrl);
    stack.defer(() => storage.close());
    const link = openNetworkLink();
    if (typeof link !== "string") stack.defer(() => link.close());
    const env = {
      EDITION: "server",
      QUEUE_PREFIX: name.replaceAll("_", "-"),
      SUPABASE_URL: `http://127.0.0.1:${storage.port}`,
      SUPABASE_PUBLIC_URL: supabaseUrl,
      SUPABASE_PUBLISHABLE_KEY: supabase.SUPABASE_PUBLISHABLE_KEY,
      SUPABASE_SECRET_KEY: supabase.SUPABASE_SECRET_KEY,
      EMBEDDING_MODEL: "genq/mini-embedder",
      GENERATION_MODEL: "genq/mini-generator",
      MODELS_DIR: join(folder, "models"),
      HOST: "127.0.0.1",
      RATE_LIMIT_PER_MINUTE: "100000000",
      WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8,100.64.0.0/10",
      SHUTDOWN_GRACE_MS: "5000",
      WORKER_CONCURRENCY_EMBED: "2",
      MODEL_DEADLINE_MS: "5000",
    };
    const startService = async (role: Service["role"], index: number): Promise<Service & Supervised> => {
      const away =
        role === "worker" && index === workerCount - 1 && typeof link !== "string" ? link : undefined;
      const host = away?.hostAddress ?? "127.0.0.1";
      const open = async (url: string) => {
        const proxy = await openTcpProxy(url, host);
        owner.defer(() => proxy.close());
        return proxy;
      };
      const extra = role === "worker" && index >= workerCount;
      const ways = extra
        ? undefined
        : {
            postgres: await open(databaseUrl),
            redis: redisUrl === undefined ? undefined : await open(redisUrl),
          };
      const port = await freePorts();
      const address = away?.guestAddress ?? "127.0.0.1";
      const supervised = run({
        main: `${role}/src`,
        of: `${role}-${index}`,
        env: {
          ...env,
          DATABASE_URL: ways?.postgres.url ?? databaseUrl,
          QUEUE_URL: (ways?.redis ?? ways?.postgres)?.url ?? redisUrl ?? databaseUrl,
          SUPABASE_URL: `http://${host}:${storage.port}`,
          ...(role === "api" ? { PORT: String(port) } : { WORKER_HOST: address, WORKER_PORT: String(port) }),
        },
        within: away?.command ?? [],
      });
      return { ...supervised, role, index, healthUrl: `http://${address}:${port}/health`, ways };
    };
    const services: Service[] = [];
    for (let index = 0; index < workerCount; index++) services.push(await startService("worker", index));
    for (let index = 0; index < apiCount; index++) services.push(await startService("api", index));
    const apiUrls = services.flatMap(({ role, healthUrl }) =>
      role === "api" ? new URL(healthUrl).origin : [],
    );
    for (const url of apiUrls) await answers(`${url}/ready`, folder);
    for (const { healthUrl } of services) await answers(healthUrl, folder);
    let extra = 0;
    const kept = stack.move();
    // For what is started later.
    owner = kept;
    return {
      edition: "server",
      apiUrls,
      supabaseUrl,
      publishableKey: supabase.SUPABASE_PUBLISHABLE_KEY,
      databaseUrl,
      redisUrl,
      services,
      postgres: serverOf(servers.postgresPidFile),
      redis: redisUrl === undefined ? undefined : serverOf(servers.queuePidFile),
      storage,
      link,
      startExtraWorker: async () => {
        const index = workerCount + (extra++ % extraWorkers);
        const worker = await startService("worker", index);
        await answers(worker.healthUrl, folder).catch(async (error: unknown) => {
          await worker.stop();
          throw error;
        });
        return worker;
      },
      limitedRestarts: false,
      gaveUp: new Promise<never>(() => undefined),
      keepFolder: () => {
        keep = true;
        return folder;
      },
      workerLogs: Array.from({ length: workerCount + extraWorkers }, (_, index) =>
        logFile(`worker-${index}`),
      ),
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

function serverOf(pidFile: string | undefined): OutsideServer | undefined {
  if (pidFile === undefined) return undefined;
  const read = () => {
    try {
      return Number(readFileSync(pidFile, "utf8")) || undefined;
    } catch {
      return undefined;
    }
  };
  return { pid: read };
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
