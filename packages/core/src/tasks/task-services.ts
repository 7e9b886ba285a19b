import type { Database, TaskRow } from "../db/index.ts";
import type { Queues } from "../queue/index.ts";

export interface TaskServices {
  database: Database;
  queues: Queues;
  /** How many tasks of one user may wait. */
  maxQueuedTasks: number;
}

export interface SubmittedRow {
  task: TaskRow;
  queue: { ahead: number; etaSeconds: number | null };
  /** The task was made by an earlier request with the same idempotency key. */
  replayed: boolean;
}
