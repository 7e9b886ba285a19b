import type { Database } from "@genq/core/db";
import type { DeltaPublisher, Queues } from "@genq/core/queue";
import type { Storage } from "@genq/core/storage";
import type { Inference } from "@genq/inference";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

/** What runs of tasks need of the world. */
export interface Services {
  database: Database;
  queues: Queues;
  /** Where the text of a generation goes as it comes. */
  deltas: DeltaPublisher;
  storage: Storage;
  inference: Inference;
  /** Models that a task may ask for besides the configured ones. */
  modelsAllowed: readonly string[];
  log: Logger;
  metrics: Metrics;
}
