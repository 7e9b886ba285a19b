import {
  type Database,
  inServiceTransaction,
  removeWorker,
  reportWorker,
  type WorkerReport,
} from "@genq/core/db";
import type { Logger } from "pino";
import { repeat } from "./repeat.ts";

const everyMs = 5000;

export interface Heartbeat {
  /** Tells the state of the models within `delayMs`. */
  soon(delayMs?: number): void;
  /** Takes the worker off the list. */
  stop(): Promise<void>;
}

/** Says every five seconds that this worker lives and what it does. */
export function startHeartbeat(options: {
  database: Database;
  log: Logger;
  workerId: string;
  report: () => WorkerReport;
}): Heartbeat {
  const { database, log, workerId } = options;
  const beat = repeat(everyMs, async () => {
    try {
      await inServiceTransaction(database, (sql) => reportWorker(sql, workerId, options.report()));
    } catch (error) {
      log.warn({ err: error }, "heartbeat failed");
    }
  });
  return {
    soon: beat.soon,
    stop: async () => {
      await beat.stop();
      await inServiceTransaction(database, (sql) => removeWorker(sql, workerId)).catch((error: unknown) =>
        log.warn({ err: error }, "the worker's row was not removed; it grows old in 30 s"),
      );
    },
  };
}
