import type { PgPool } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";

export type QueueBackend = "redis" | "postgres";

/** The scheme of QUEUE_URL picks the backend; nothing outside this folder knows which it is. */
export function queueBackend(url: string): QueueBackend {
  return /^rediss?:/.test(url) ? "redis" : "postgres";
}

/** BullMQ's tables on Postgres. It is given a ready pool, which can't name another schema. */
export const postgresQueueSchema = "bullmq";

export interface QueueOptions {
  /** `redis://`, `rediss://` or `postgres://` */
  url: string;
  /** Redis: what all keys begin with. Postgres: what the queues' names begin with. */
  prefix: string;
  /** Told of each connection error; BullMQ reconnects by itself. */
  onError?: (error: Error) => void;
}

/** BullMQ blocks for ten seconds at most: a connection on which nothing came for longer is half-open. */
const blockedMs = 15_000;

/**
 * A Redis connection. `blocking` is a worker's: it waits in one command for long, so it has no command timeout; every
 * other command fails after a second rather than hang on a stopped server. A connection that leaves commands
 * unanswered is made anew.
 */
export function openRedis(options: QueueOptions, blocking: boolean): Redis {
  const redis = new Redis(options.url, {
    maxRetriesPerRequest: blocking ? null : 1,
    connectTimeout: 2000,
    ...(blocking ? { socketTimeout: blockedMs } : { commandTimeout: 1000, socketTimeout: 2000 }),
    retryStrategy: (times) => Math.min(times * 100, 2000),
  });
  redis.on("error", (error) => options.onError?.(error));
  return redis;
}

/** BullMQ describes the pool that it takes by an interface of its own, whose index signature no class has. */
export function asBullConnection(pool: pg.Pool): PgPool {
  return pool as unknown as PgPool;
}

/** A pool whose connections see BullMQ's schema first. A query that takes longer than `queryMs` fails. */
export function openPostgresPool(options: QueueOptions, max: number, queryMs?: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max,
    keepAlive: true,
    connectionTimeoutMillis: 2000,
    application_name: "genq_queue",
    ...(queryMs === undefined ? {} : { query_timeout: queryMs }),
    options: `-c search_path=${postgresQueueSchema}`,
  });
  pool.on("error", (error) => options.onError?.(error));
  // A connection that ends while BullMQ holds it emits an error that nobody hears, and that ends the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
