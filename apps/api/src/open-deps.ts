import { closeDatabase, openDatabase } from "@genq/core/db";
import { openQueues, startQueueMonitor } from "@genq/core/queue";
import { openStorage } from "@genq/core/storage";
import { createTaskWatcher, readServiceState } from "@genq/core/tasks";
import { addressPolicy } from "@genq/core/webhooks";
import type { Logger } from "pino";
import { createTokenVerifier } from "./auth/verify-token.ts";
import type { ApiDeps } from "./deps.ts";
import type { ApiEnv } from "./env.ts";
import { shareAnswer } from "./http/share-answer.ts";
import { within } from "./http/within.ts";
import { createMetrics } from "./metrics.ts";

const statusMs = 1000;
const statusLimitMs = 1500;

export interface OpenDeps {
  deps: ApiDeps;
  /** Answers those who wait, and ends streams: before the server waits for its requests to end. */
  release(): void;
  /** Closes the connections: after the last request. */
  close(): Promise<void>;
}

/** Opens the connections that the settings name. None of them is waited for: /ready tells what is missing. */
export function openDeps(env: ApiEnv, logger: Logger): OpenDeps {
  const database = openDatabase({
    url: env.databaseUrl,
    role: "genq_api",
    max: env.databasePoolMax,
    prepare: env.databasePrepare,
    timeoutMs: env.databaseTimeoutMs,
  });
  const queues = openQueues({
    url: env.queueUrl,
    prefix: env.queuePrefix,
    onError: (error) => logger.warn({ err: error }, "queue connection"),
  });
  const queueMonitor = startQueueMonitor(queues, ({ problems, warnings }) => {
    for (const problem of problems) logger.error(`the queue's server is not fit: ${problem}`);
    for (const warning of warnings) logger.warn(`the queue's server: ${warning}`);
  });
  const storage = openStorage({
    supabaseUrl: env.supabaseUrl,
    secretKey: env.supabaseSecretKey,
    bucket: env.storageBucket,
    maxObjectBytes: env.maxUploadBytes,
  });
  const watcher = createTaskWatcher(database);
  const status: ApiDeps["status"] = {
    service: shareAnswer(statusMs, () => within(statusLimitMs, readServiceState(database))),
    queue: shareAnswer(statusMs, () => queues.ping()),
    queueReport: () => queueMonitor.report(),
    storage: shareAnswer(statusMs, () =>
      within(statusLimitMs, storage.ensureBucket()).then(
        () => true,
        () => false,
      ),
    ),
  };
  const stopping = new AbortController();
  const deps: ApiDeps = {
    env,
    logger,
    database,
    queues,
    storage,
    watcher,
    maxQueuedTasks: env.maxQueuedTasks,
    webhookPolicy: addressPolicy(env.webhookAllowedNetworks),
    status,
    metrics: createMetrics(
      async () => (await status.service()).waiting,
      () => queueMonitor.report()?.memory ?? null,
    ),
    verifyToken: createTokenVerifier({
      supabaseUrl: env.supabaseUrl,
      supabasePublicUrl: env.supabasePublicUrl,
      jwtSecret: env.supabaseJwtSecret,
      onError: (error) => logger.warn({ err: error }, "the key set can't be fetched"),
    }),
    stopping: stopping.signal,
  };
  return {
    deps,
    release: () => {
      stopping.abort();
      watcher.close();
      queueMonitor.stop();
    },
    close: async () => {
      await Promise.allSettled([queues.close(), closeDatabase(database)]);
    },
  };
}
