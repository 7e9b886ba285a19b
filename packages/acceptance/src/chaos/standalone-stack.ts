import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../stack/free-ports.ts";
import { launch, shutDown } from "../stack/launch.ts";
import { textAt } from "../testing/call.ts";
import type { ChaosStack } from "./stack.ts";

/** `npm start` in a temporary folder; the launcher restarts what dies. */
export async function startStandalone(): Promise<ChaosStack> {
  const dataDir = await mkdtemp(join(tmpdir(), "genq-chaos-"));
  const port = await freePorts();
  const stack = await launch({ port, dataDir, env: { RATE_LIMIT_PER_MINUTE: "100000000" } });
  const keys: unknown = JSON.parse(await readFile(join(dataDir, "keys.json"), "utf8"));
  const password = textAt(keys, "postgres_password");
  let kept = false;
  const read = (name: string) => readFile(join(dataDir, "logs", name), "utf8").catch(() => "");
  return {
    edition: "standalone",
    apiUrls: [stack.apiUrl],
    supabaseUrl: stack.supabaseUrl,
    publishableKey: stack.publishableKey,
    databaseUrl: `postgres://postgres:${password}@127.0.0.1:${port + 2}/postgres`,
    redisUrl: undefined,
    limitedRestarts: true,
    keepFolder: () => {
      kept = true;
      return dataDir;
    },
    readWorkerLog: async () => `${await read("worker.log.1")}${await read("worker.log")}`,
    [Symbol.asyncDispose]: async () => {
      await shutDown(stack);
      if (!kept) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
