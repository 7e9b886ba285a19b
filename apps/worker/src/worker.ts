import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type QueueName, queueNames } from "@genq/contract";
import type { Database } from "@genq/core/db";
import {
  openDeltaPublisher,
  openQueues,
  openRingWorker,
  type QueueOptions,
  type QueueReport,
  type RingWorker,
  startQueueMonitor,
} from "@genq/core/queue";
import type { Storage } from "@genq/core/storage";
import { addressPolicy, createWebhookSender, type Network } from "@genq/core/webhooks";
import type { Inference, ModelStatus, ModelTask } from "@genq/inference";
import type { Logger } from "pino";
import { answerRing } from "./answer-ring.ts";
import { ShutdownError } from "./claim-lost.ts";
import { createClaimer } from "./claimer.ts";
import { createCompletions } from "./completions.ts";
import { type Handlers, handlers } from "./handlers/handlers.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { removeStaleCopies } from "./ingestion/download-object.ts";
import { createLeases, leaseMs } from "./leases.ts";
import { limitedWarning } from "./limited-warning.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type Models, startModels } from "./models.ts";
import { startQueueWatch } from "./queue-watch.ts";
import { startReconciler } from "./reconciler.ts";
import type { Services } from "./services.ts";
import { startWebhooks } from "./webhooks.ts";

export interface WorkerOptions {
  database: Database;
  queue: Omit<QueueOptions, "onError">;
  storage: Storage;
  openInference: (onStatus: (status: ModelStatus) => void) => Inference;
  /** Models that tasks may ask for besides the configured ones. Default none. */
  modelsAllowed?: readonly string[];
  onModelStatus?: (status: ModelStatus) => void;
  concurrency: Record<QueueName, number>;
  /** Tasks of one user that may run at a time, in each queue and over all workers. */
  runningPerUser: number;
  /** Blocks of addresses that webhooks may go to besides public ones. Default none. */
  webhookNetworks?: readonly Network[];
  log: Logger;
  handlers?: Handlers;
  /** Told once when tasks wait and nothing comes: the worker is of no use any more, and should be started anew. */
  onStandstill?: () => void;
  standstillMs?: number;
}

export interface Worker {
  readonly id: string;
  readonly models: Models;
  readonly metrics: Metrics;
  /** Whether all models are ready, and the tasks of all queues move. */
  isReady(): boolean;
  /** The queues whose tasks move. */
  moving(): QueueName[];
  /** What is known of the queue's server; undefined while it was never reached. */
  queueReport(): QueueReport | undefined;
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
  const deltas = openDeltaPublisher({ ...options.queue, onError });
  const leases = createLeases({ database, onError: (error) => warn(error, "leases were not renewed") });
  const metrics = createMetrics({
    running: leases.held,
    queueMemory: () => monitor.report()?.memory ?? null,
  });
  const models = startModels({
    openInference: options.openInference,
    onStatus: (status) => {
      options.onModelStatus?.(status);
      // Also called while the models start, before there is a heartbeat, whose first beat tells it then.
      setImmediate(() => heartbeat.soon(status.state === "downloading" ? 1000 : 0));
    },
  });
  const services: Services = {
    database,
    queues,
    deltas,
    storage,
    inference: models.inference,
    modelsAllowed: options.modelsAllowed ?? [],
    log,
    metrics,
  };
  const watch = startQueueWatch({
    database,
    queues,
    workerId: id,
    concurrency: options.concurrency,
    runningPerUser: options.runningPerUser,
    onStandstill: (queue) => {
      log.fatal(
        { queue },
        "tasks wait and nothing was claimed for 30 s, though the queue and the database answer",
      );
      options.onStandstill?.();
    },
    onChange: () => setImmediate(() => heartbeat.soon()),
    ...(options.standstillMs === undefined ? {} : { standstillMs: options.standstillMs }),
  });
  const monitor = startQueueMonitor(queues, ({ problems, warnings }) => {
    for (const problem of problems) log.error(`the queue's server is not fit: ${problem}`);
    for (const warning of warnings) log.warn(`the queue's server: ${warning}`);
  });
  const heartbeat = startHeartbeat({
    database,
    log,
    workerId: id,
    report: () => ({ models: models.statuses(), queues: stopping ? [] : watch.moving() }),
  });
  const reconciler = startReconciler(services);
  const webhooks = startWebhooks({
    database,
    sender: createWebhookSender({ policy: addressPolicy(options.webhookNetworks ?? []) }),
    log,
    metrics,
    onError: warn,
  });
  const ending = new AbortController();
  const terms = { leaseMs, runningPerUser: options.runningPerUser };
  const claimer = createClaimer({ database, terms, log, metrics });
  const runner = {
    ...services,
    handlers: options.handlers ?? handlers,
    leases,
    claimed: watch.claimed,
    completions: createCompletions({ database, claimer, ending: ending.signal, isStopping: () => stopping }),
    ending: ending.signal,
  };
  const ringWorkers = new Map<QueueName, RingWorker>();
  let stopping = false;
  const answering = { ...runner, claimer, warn, isStopping: () => stopping };

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
          onHeard: () => watch.heard(queue),
          onRing: (data) => answerRing(answering, queue, data),
        }),
      );
      watch.opened(queue);
      log.info({ queue, concurrency }, "answering");
    });
  }
  removeStaleCopies().catch((error: unknown) => log.warn({ err: error }, "stale copies were not removed"));

  return {
    id,
    models,
    metrics,
    isReady: () => !stopping && watch.moving().length === queueNames.length && models.isReady(),
    moving: watch.moving,
    queueReport: monitor.report,
    running: leases.held,
    stop: async (graceMs) => {
      stopping = true;
      monitor.stop();
      const closed = Promise.allSettled([
        reconciler.stop(),
        webhooks.stop(ending.signal),
        watch.stop(),
        ...[...ringWorkers.values()].map((ringWorker) => ringWorker.close()),
      ]);
      const finishMs = Math.max(graceMs - closingMs, graceMs / 2);
      await Promise.race([closed, sleep(finishMs, undefined, { ref: false })]);
      leases.abortAll(new ShutdownError("The worker is going down."));
      const giveBackMs = (graceMs - finishMs) / 2;
      await Promise.race([closed, sleep(giveBackMs, undefined, { ref: false })]);
      ending.abort();
      leases.close();
      await Promise.allSettled([closed, heartbeat.stop(), models.stop(), queues.close(), deltas.close()]);
    },
  };
}
