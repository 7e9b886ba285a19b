import { setTimeout as sleep } from "node:timers/promises";
import type { QueueName } from "@genq/contract";
import { createPostgresBackend, Worker, withBackend } from "bullmq";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueOptions,
  queueBackend,
} from "./connection.ts";
import { onceOnly, probeName, queueName } from "./queues.ts";

/** The answering side of one queue: calls `onRing` for each ring, `concurrency` at a time. */
export interface RingWorker {
  /** Takes no new rings, and waits for those that run. */
  close(): Promise<void>;
}

export interface RingWorkerOptions extends QueueOptions {
  queue: QueueName;
  concurrency: number;
  /** Told of each ring or probe that came through. */
  onHeard?: () => void;
  /** Answers a ring, whatever it carries; what it throws is reported and changes nothing, for the row holds the truth. */
  onRing: (data: unknown) => Promise<void>;
}

/** On Postgres BullMQ asks every five seconds: two dead connections are found before a standstill ends the process. */
const postgresQueryMs = 5000;
const startAgainMs = 500;

export function openRingWorker(options: RingWorkerOptions): RingWorker {
  const run = async (job: { name: string; data: unknown; opts: object }) => {
    // Also a job that somebody else put there is not kept.
    Object.assign(job.opts, onceOnly);
    options.onHeard?.();
    if (job.name === probeName) return;
    try {
      await options.onRing(job.data);
    } catch (error) {
      options.onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const settings = {
    concurrency: options.concurrency,
    lockDuration: 30_000,
    stalledInterval: 10_000,
    maxStalledCount: 1,
  };
  const name = (backend: "redis" | "postgres") => queueName(options.prefix, options.queue, backend);
  if (queueBackend(options.url) === "redis") {
    const redis = openRedis(options, true);
    const worker = new Worker<unknown>(name("redis"), run, {
      ...settings,
      connection: redis,
      prefix: options.prefix,
    });
    worker.on("error", (error) => options.onError?.(error));
    return {
      close: async () => {
        // Without a server there is nothing to say goodbye to, and BullMQ would wait for it.
        await worker.close(redis.status !== "ready");
        redis.disconnect();
      },
    };
  }
  const { Worker: PostgresWorker } = withBackend(createPostgresBackend);
  const make = () => {
    const pool = openPostgresPool(options, options.concurrency + 3, postgresQueryMs);
    const worker = new PostgresWorker<unknown>(name("postgres"), run, {
      ...settings,
      autorun: false,
      connection: asBullConnection(pool),
    });
    worker.on("error", (error) => options.onError?.(error));
    const close = async (force: boolean) => {
      await worker.close(force);
      await pool.end();
    };
    return { worker, close };
  };
  const closing = new AbortController();
  // BullMQ's worker never recovers from a start on a server that is away, and asks on without a pause: one that failed is
  // made anew.
  const start = async () => {
    while (!closing.signal.aborted) {
      const { worker, close } = make();
      try {
        await worker.waitUntilReady();
        // Ends when the worker is closed.
        worker.run().catch((error: Error) => options.onError?.(error));
        return { close };
      } catch {
        await close(true).catch(() => undefined);
        await sleep(startAgainMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    return undefined;
  };
  const started = start();
  return {
    close: async () => {
      closing.abort();
      await (await started)?.close(false);
    },
  };
}
