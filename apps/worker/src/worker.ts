import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type QueueName, queueNames } from "@genq/contract";
import type { Database } from "@genq/core/db";
import { openQueues, openRingWorker, type QueueOptions, type RingWorker } from "@genq/core/queue";
import type { Storage } from "@genq/core/storage";
import type { Inference, ModelStatus, ModelTask } from "@genq/inference";
import type { Logger } from "pino";
import { ShutdownError } from "./claim-lost.ts";
import { type Handlers, handlers } from "./handlers/handlers.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { removeStaleCopies } from "./ingestion/download-object.ts";
import { createLeases } from "./leases.ts";
import { limitedWarning } from "./limited-warning.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type Models, startModels } from "./models.ts";
import { startReconciler } from "./reconciler.ts";
import { runTask } from "./run-task.ts";
import type { Services } from "./services.ts";

export interface WorkerOptions {
  database: Database;
  queue: Omit<QueueOptions, "onError">;
  storage: Storage;
  openInference: (onStatus: (status: ModelStatus) => void) => Inference;
  onModelStatus?: (status: ModelStatus) => void;
  concurrency: Record<QueueName, number>;
  log: Logger;
  handlers?: Handlers;
}

export interface Worker {
  readonly id: string;
  readonly models: Models;
  readonly metrics: Metrics;
  /** Whether all queues are answered. */
  isReady(): boolean;
  running(): number;
  /**
   * Takes no more work, lets what runs finish for a while, gives the rest back, and resolves within about `graceMs`.
   * The database stays open.
   */
  stop(graceMs: number): Promise<void>;
}

/** A queue is answered once the model that its tasks can't do without is ready; until then they wait as `queued`. */
const neededModel: Record<QueueName, ModelTask> = {
  ingest: "embedding",
  embed: "embedding",
  generate: "generation",
};

/** What of the grace period is kept for giving back and closing. */
const closingMs = 2000;

export function startWorker(options: WorkerOptions): Worker {
  const { database, storage } = options;
  const id = randomUUID();
  const log = options.log.child({ worker: id.slice(0, 8) });
  const warn = limitedWarning(log);
  const onError = (error: Error) => warn(error, "queue");
  const queues = openQueues({ ...options.queue, onError });
  const leases = createLeases({ database, onError: (error) => warn(error, "leases were not renewed") });
  const metrics = createMetrics({ running: leases.held });
  const models = startModels({
    openInference: options.openInference,
    onStatus: (status) => {
      options.onModelStatus?.(status);
      // Also called while the models start, before there is a heartbeat, whose first beat tells it then.
      setImmediate(() => heartbeat.soon(status.state === "downloading" ? 1000 : 0));
    },
  });
  const services: Services = { database, queues, storage, inference: models.inference, log, metrics };
  const heartbeat = startHeartbeat({ database, log, workerId: id, models: models.statuses });
  const reconciler = startReconciler(services);
  const ending = new AbortController();
  const runner = { ...services, handlers: options.handlers ?? handlers, leases, ending: ending.signal };
  const ringWorkers = new Map<QueueName, RingWorker>();
  let stopping = false;

  for (const queue of queueNames) {
    void models.ready(neededModel[queue]).then(() => {
      if (stopping) return;
      const concurrency = options.concurrency[queue];
      ringWorkers.set(
        queue,
        openRingWorker({
          ...options.queue,
          onError,
          queue,
          concurrency,
          onRing: (taskId) => runTask(runner, taskId),
        }),
      );
      log.info({ queue, concurrency }, "answering");
    });
  }
  removeStaleCopies().catch((error: unknown) => log.warn({ err: error }, "stale copies were not removed"));

  return {
    id,
    models,
    metrics,
    isReady: () => !stopping && ringWorkers.size === queueNames.length && models.isReady(),
    running: leases.held,
    stop: async (graceMs) => {
      stopping = true;
      const closed = Promise.allSettled([
        reconciler.stop(),
        ...[...ringWorkers.values()].map((ringWorker) => ringWorker.close()),
      ]);
      const finishMs = Math.max(graceMs - closingMs, graceMs / 2);
      await Promise.race([closed, sleep(finishMs, undefined, { ref: false })]);
      leases.abortAll(new ShutdownError("The worker is going down."));
      const giveBackMs = (graceMs - finishMs) / 2;
      await Promise.race([closed, sleep(giveBackMs, undefined, { ref: false })]);
      ending.abort();
      leases.close();
      await Promise.allSettled([closed, heartbeat.stop(), models.stop(), queues.close()]);
    },
  };
}
