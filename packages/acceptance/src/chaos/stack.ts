import type { NetworkLink } from "../stack/network-link.ts";
import { descendants, type ProcessInfo } from "../stack/processes.ts";
import type { StorageProxy } from "../stack/storage-proxy.ts";
import type { TcpProxy } from "../stack/tcp-proxy.ts";

/** One process of genq that is started again when it ends. */
export interface Service {
  role: "worker" | "api";
  index: number;
  pid(): number | undefined;
  /** Where it tells that it is up; a worker also how many tasks it runs. */
  healthUrl: string;
  /** Its own ways to Postgres and to Redis, where it has such. */
  ways: { postgres: TcpProxy; redis: TcpProxy | undefined } | undefined;
  /** How it ended the last time; undefined where that is not known. */
  lastExit?(): string | undefined;
}

/** A server that something else starts again when it dies. */
export interface OutsideServer {
  pid(): number | undefined;
}

/** A running genq whose parts can be broken. */
export interface ChaosStack extends AsyncDisposable {
  edition: "server" | "standalone";
  apiUrls: string[];
  supabaseUrl: string;
  publishableKey: string;
  databaseUrl: string;
  /** A Redis that may be emptied; undefined where the queue is on Postgres. */
  redisUrl: string | undefined;
  /** Workers and apis, each role in the order of its index. */
  services: Service[];
  postgres: OutsideServer | undefined;
  redis: OutsideServer | undefined;
  storage: StorageProxy | undefined;
  /** The link of the last worker, or why it has none. */
  link: NetworkLink | string;
  /** Starts one worker more, until it is stopped. */
  startExtraWorker: (() => Promise<{ stop(): Promise<void> }>) | undefined;
  /** What restarts dead processes gives up at the fifth death in a row within 30 s. */
  limitedRestarts: boolean;
  /** Rejects when what restarts dead processes has ended itself. */
  gaveUp: Promise<never>;
  /** Leaves the folder with the logs and returns its path. */
  keepFolder(): string;
  /** The files of the workers' logs, oldest first; one may not be there. */
  workerLogs: string[];
}

export type ProcessRole = "worker" | "api" | "model" | "parser" | "postgres" | "supabase";

/** What the command lines of a role hold: its main file, or the title that it takes. */
const signs: Record<ProcessRole, string> = {
  worker: "apps/worker/src/main.ts",
  api: "apps/api/src/main.ts",
  model: "genq-model ",
  parser: "packages/core/src/documents/child/main.ts",
  postgres: "apps/standalone/src/postgres/main.ts",
  supabase: "apps/standalone/src/supabase/main.ts",
};

/** The processes of a role that a process started, or that those started. */
export function processesOf(role: ProcessRole, of: number = process.pid): ProcessInfo[] {
  return descendants(of).filter((one) => !one.defunct && one.command.includes(signs[role]));
}
