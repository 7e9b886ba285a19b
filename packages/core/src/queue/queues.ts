import { type QueueName, queueNames } from "@genq/contract";
import { createPostgresBackend, Queue, withBackend } from "bullmq";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueBackend,
  type QueueOptions,
  queueBackend,
} from "./connection.ts";

/** What a ring carries: the task's id and nothing else; the worker reads the rest from the row. */
export interface RingData {
  taskId: string;
}

export interface Ring {
  taskId: string;
  queue: QueueName;
  /** The row's attempt number, so that a task that was claimed since can be rung for again. */
  attempt: number;
  delayMs?: number;
}

/** The ringing side of the queues. */
export interface Queues {
  readonly backend: QueueBackend;
  /** Rings for a task. Resolves true when the queue took it, false when it did not within the bound: the row is the truth, and a reconciler rings again. */
  ring(ring: Ring): Promise<boolean>;
  /** Whether the queue's server answers within a second. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** How long a request waits for the doorbell. */
const ringTimeoutMs = 800;

export function queueName(prefix: string, queue: QueueName, backend: QueueBackend): string {
  return backend === "redis" ? queue : `${prefix}-${queue}`;
}

export function openQueues(options: QueueOptions): Queues {
  return queueBackend(options.url) === "redis" ? openRedisQueues(options) : openPostgresQueues(options);
}

function openRedisQueues(options: QueueOptions): Queues {
  const redis = openRedis(options, false);
  const queues = makeQueues(
    (name) =>
      new Queue<RingData>(queueName(options.prefix, name, "redis"), {
        connection: redis,
        prefix: options.prefix,
        skipWaitingForReady: true,
        skipMetasUpdate: true,
      }),
    options,
  );
  return {
    backend: "redis",
    ring: (ring) => addRing(queues, ring),
    ping: () => within(redis.ping().then(() => true)),
    close: async () => {
      await closeQueues(queues);
      redis.disconnect();
    },
  };
}

function openPostgresQueues(options: QueueOptions): Queues {
  const pool = openPostgresPool(options, 4);
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  const queues = makeQueues(
    (name) =>
      new PostgresQueue<RingData>(queueName(options.prefix, name, "postgres"), {
        connection: asBullConnection(pool),
        skipMetasUpdate: true,
      }),
    options,
  );
  return {
    backend: "postgres",
    ring: (ring) => addRing(queues, ring),
    ping: () => within(pool.query("select 1").then(() => true)),
    close: async () => {
      await closeQueues(queues);
      await pool.end();
    },
  };
}

/** The part of BullMQ's queue that both backends share. */
interface RingQueue {
  add(name: string, data: RingData, options: object): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

function makeQueues(make: (name: QueueName) => RingQueue, options: QueueOptions): Map<QueueName, RingQueue> {
  return new Map(
    queueNames.map((name) => {
      const queue = make(name);
      queue.on("error", (error) => options.onError?.(error));
      return [name, queue];
    }),
  );
}

function addRing(queues: Map<QueueName, RingQueue>, ring: Ring): Promise<boolean> {
  const queue = queues.get(ring.queue);
  if (queue === undefined) return Promise.resolve(false);
  const added = queue.add(
    "ring",
    { taskId: ring.taskId },
    {
      // A finished job that is kept would silently swallow a later ring of the same id.
      jobId: `${ring.taskId}-${ring.attempt}`,
      attempts: 1,
      removeOnComplete: true,
      removeOnFail: true,
      ...(ring.delayMs === undefined || ring.delayMs === 0 ? {} : { delay: ring.delayMs }),
    },
  );
  return within(added.then(() => true));
}

async function closeQueues(queues: Map<QueueName, RingQueue>): Promise<void> {
  await Promise.allSettled([...queues.values()].map((queue) => queue.close()));
}

/** False when the promise fails or takes longer than the bound: a stopped server would hang it for long. */
async function within(promise: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ringTimeoutMs);
  });
  try {
    return await Promise.race([promise.catch(() => false), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
