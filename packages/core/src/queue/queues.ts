import type { QueueName } from "@genq/contract";
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
  /**
   * Rings for a task. False when the queue did not take it within the bound: the row is the truth, and a reconciler
   * rings again.
   */
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
  const make = (name: QueueName) =>
    new Queue<RingData>(queueName(options.prefix, name, "redis"), {
      connection: redis,
      prefix: options.prefix,
      skipMetasUpdate: true,
    });
  return createQueues(options, {
    backend: "redis",
    make,
    ping: () => redis.ping(),
    end: () => redis.disconnect(),
  });
}

function openPostgresQueues(options: QueueOptions): Queues {
  const pool = openPostgresPool(options, 4);
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  const make = (name: QueueName) =>
    new PostgresQueue<RingData>(queueName(options.prefix, name, "postgres"), {
      connection: asBullConnection(pool),
      skipMetasUpdate: true,
    });
  return createQueues(options, {
    backend: "postgres",
    make,
    ping: () => pool.query("select 1"),
    end: () => pool.end(),
  });
}

/** The part of BullMQ's queue that both backends share. */
interface RingQueue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: RingData, options: object): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

interface Connection {
  backend: QueueBackend;
  make: (name: QueueName) => RingQueue;
  ping: () => Promise<unknown>;
  end: () => unknown;
}

function createQueues(options: QueueOptions, connection: Connection): Queues {
  const queues = new Map<QueueName, Promise<RingQueue>>();
  // BullMQ's queue never recovers from a start on a server that is away, so one that failed is made anew.
  const ready = (name: QueueName): Promise<RingQueue> => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const queue = connection.make(name);
    queue.on("error", (error) => options.onError?.(error));
    const starting = queue.waitUntilReady().then(
      () => queue,
      (error: unknown) => {
        queues.delete(name);
        queue.close().catch(() => undefined);
        throw error;
      },
    );
    queues.set(name, starting);
    return starting;
  };
  return {
    backend: connection.backend,
    ring: (ring) => within(ready(ring.queue).then((queue) => addRing(queue, ring))),
    ping: () => within(connection.ping()),
    close: async () => {
      const started = await Promise.allSettled(queues.values());
      const open = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      await Promise.allSettled(open.map((queue) => queue.close()));
      await connection.end();
    },
  };
}

function addRing(queue: RingQueue, ring: Ring): Promise<unknown> {
  return queue.add(
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
}

/** False when the promise fails or takes longer than the bound: a stopped server would hang it for long. */
async function within(promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ringTimeoutMs);
  });
  const answered = promise.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
