import { closeDatabase, openDatabase } from "@genq/core/db";
import { findQueueProblems } from "@genq/core/queue";
import { openStorage } from "@genq/core/storage";
import { createInference, InferenceError } from "@genq/inference";
import { pino } from "pino";
import { readEnv } from "./env.ts";
import { progressLine } from "./models.ts";
import { startStatusServer } from "./status-server.ts";
import { startWorker, type Worker, type WorkerOptions } from "./worker.ts";

/** EX_TEMPFAIL of sysexits: trying again may help. */
const standstillCode = 75;

const env = readEnv();
const log = pino({ level: env.LOG_LEVEL, base: { app: "worker" } }, pino.destination({ fd: 1, sync: true }));
const database = openDatabase({
  url: env.DATABASE_URL,
  role: "genq_worker",
  max: env.DATABASE_POOL_MAX,
  prepare: env.DATABASE_PREPARE,
});
const queueProblems = await findQueueProblems({ url: env.QUEUE_URL, prefix: env.QUEUE_PREFIX });
if (queueProblems.length > 0 && env.EDITION === "server") {
  process.stderr.write(
    `The worker can't start: the queue's server is not fit.\n${queueProblems.map((it) => `  ${it}\n`).join("")}`,
  );
  process.exit(1);
}
const worker = startOrExit({
  database,
  queue: { url: env.QUEUE_URL, prefix: env.QUEUE_PREFIX },
  storage: openStorage({
    supabaseUrl: env.SUPABASE_URL,
    secretKey: env.SUPABASE_SECRET_KEY,
    bucket: env.STORAGE_BUCKET,
  }),
  openInference: (onStatus) => {
    const inference = createInference({
      models: {
        embedding: env.EMBEDDING_MODEL,
        generation: env.GENERATION_MODEL,
        reranking: env.RERANKING_MODEL,
      },
      cacheDir: env.MODELS_DIR,
      hubEndpoint: env.HF_ENDPOINT,
      device: env.MODEL_DEVICE,
      limits: {
        stepDeadlineMs: env.MODEL_DEADLINE_MS,
        maxRssBytes: bytesOf(env.MODEL_MAX_RSS_MB),
        recycleAfterRequests: env.MODEL_RECYCLE_REQUESTS,
        recycleGrowthBytes: bytesOf(env.MODEL_RECYCLE_GROWTH_MB),
        bulkProcesses: env.EMBEDDING_BULK_PROCESSES,
        generationRows: env.WORKER_CONCURRENCY_GENERATE,
      },
      memoryBudgetBytes: bytesOf(env.MODELS_MEMORY_MB),
      onStatus,
    });
    // A name that no model has is told now, not to the first who asks for it.
    for (const id of env.MODELS_ALLOWED) inference.record(id);
    return inference;
  },
  modelsAllowed: env.MODELS_ALLOWED,
  onModelStatus: (status) => process.stdout.write(`${progressLine(status)}\n`),
  concurrency: {
    ingest: env.WORKER_CONCURRENCY_INGEST,
    embed: env.WORKER_CONCURRENCY_EMBED,
    generate: env.WORKER_CONCURRENCY_GENERATE,
  },
  runningPerUser: env.MAX_RUNNING_TASKS_PER_USER,
  webhookNetworks: env.WEBHOOK_ALLOWED_NETWORKS,
  // What runs beside it is given back first; then whoever runs this process starts it anew.
  onStandstill: () => stop(Math.min(env.SHUTDOWN_GRACE_MS, 5000), standstillCode),
  log,
});

let stopping = false;
function stop(graceMs: number, code: number): void {
  stopping = true;
  setTimeout(() => {
    log.error("the grace period is over; what still runs is left to its lease");
    process.exit(code === 0 ? 1 : code);
  }, graceMs).unref();
  void worker
    .stop(graceMs)
    .then(() => closeDatabase(database))
    .finally(() => process.exit(code));
}
const shutDown = (signal: NodeJS.Signals) => {
  if (stopping) process.exit(signal === "SIGINT" ? 130 : 143);
  log.info({ signal, grace_ms: env.SHUTDOWN_GRACE_MS }, "shutting down");
  stop(env.SHUTDOWN_GRACE_MS, 0);
};
process.on("SIGTERM", shutDown);
process.on("SIGINT", shutDown);

if (env.WORKER_PORT > 0) {
  startStatusServer(worker, database, { host: env.WORKER_HOST, port: env.WORKER_PORT }).catch(
    (error: unknown) => {
      log.fatal({ err: error }, `port ${env.WORKER_PORT} of WORKER_PORT can't be listened on`);
      shutDown("SIGTERM");
    },
  );
}
log.info({ worker: worker.id, edition: env.EDITION, pid: process.pid }, "started");

function bytesOf(mebibytes: number | undefined): number | undefined {
  return mebibytes === undefined ? undefined : mebibytes * 1024 * 1024;
}

function startOrExit(options: WorkerOptions): Worker {
  try {
    return startWorker(options);
  } catch (error) {
    if (!(error instanceof InferenceError)) throw error;
    process.stderr.write(`The worker can't start: ${error.message}\n`);
    process.exit(1);
  }
}
