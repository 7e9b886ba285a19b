import { descendants, type ProcessInfo } from "../stack/processes.ts";

/** A running genq whose parts can be broken. */
export interface ChaosStack extends AsyncDisposable {
  edition: "server" | "standalone";
  apiUrls: string[];
  supabaseUrl: string;
  publishableKey: string;
  databaseUrl: string;
  /** A Redis that may be emptied; undefined where the queue is on Postgres. */
  redisUrl: string | undefined;
  /** What restarts dead processes gives up at the fifth death in a row within 30 s. */
  limitedRestarts: boolean;
  /** Leaves the folder with the logs and returns its path. */
  keepFolder(): string;
  /** The workers' log, as much as is kept of it. */
  readWorkerLog(): Promise<string>;
}

export type Role = "worker" | "api" | "model" | "parser" | "postgres";

/** What the command lines of a role hold: its main file, or the title that it takes. */
const signs: Record<Role, string> = {
  worker: "apps/worker/src/main.ts",
  api: "apps/api/src/main.ts",
  model: "genq-model ",
  parser: "packages/core/src/documents/child/main.ts",
  postgres: "apps/standalone/src/postgres/main.ts",
};

/** The processes of a role that this one started, or that those started. */
export function processesOf(role: Role): ProcessInfo[] {
  return descendants(process.pid).filter((one) => !one.defunct && one.command.includes(signs[role]));
}
