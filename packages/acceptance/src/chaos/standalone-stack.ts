import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../stack/free-ports.ts";
import { launch, shutDown } from "../stack/launch.ts";
import { textAt } from "../testing/call.ts";
import { type ChaosStack, processesOf } from "./stack.ts";

/** `npm start` in a temporary folder; the launcher restarts what dies. */
export async function startStandalone(): Promise<ChaosStack> {
  const dataDir = await mkdtemp(join(tmpdir(), "genq-chaos-"));
  const port = await freePorts();
  const workerPort = await freePorts();
  const stack = await launch({
    port,
    dataDir,
    env: {
      RATE_LIMIT_PER_MINUTE: "100000000",
      WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8",
      WORKER_PORT: String(workerPort),
      MODEL_DEADLINE_MS: "5000",
    },
  });
  const keys: unknown = JSON.parse(await readFile(join(dataDir, "keys.json"), "utf8"));
  const password = textAt(keys, "postgres_password");
  const gaveUp = Promise.withResolvers<never>();
  // Whoever waits for it hears of it; at the end of a run nobody does.
  gaveUp.promise.catch(() => undefined);
  stack.npm.once("exit", () => gaveUp.reject(new Error(`npm start ended: ${stack.lastWords()}`)));
  let kept = false;
  const service = (role: "worker" | "api", healthUrl: string) => ({
    role,
    index: 0,
    healthUrl,
    pid: () => processesOf(role)[0]?.pid,
    ways: undefined,
  });
  return {
    edition: "standalone",
    apiUrls: [stack.apiUrl],
    supabaseUrl: stack.supabaseUrl,
    publishableKey: stack.publishableKey,
    databaseUrl: `postgres://postgres:${password}@127.0.0.1:${port + 2}/postgres`,
    redisUrl: undefined,
    services: [
      service("worker", `http://127.0.0.1:${workerPort}/health`),
      service("api", `${stack.apiUrl}/health`),
    ],
    postgres: { pid: () => processesOf("postgres")[0]?.pid },
    redis: undefined,
    storage: undefined,
    link: "the standalone edition is one machine",
    startExtraWorker: undefined,
    limitedRestarts: true,
    gaveUp: gaveUp.promise,
    keepFolder: () => {
      kept = true;
      return dataDir;
    },
    workerLogs: ["worker.log.1", "worker.log"].map((name) => join(dataDir, "logs", name)),
    [Symbol.asyncDispose]: async () => {
      await shutDown(stack);
      if (!kept) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
