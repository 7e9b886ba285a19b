import type { QueueName } from "@genq/contract";
import { createPostgresBackend, Queue, withBackend } from "bullmq";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueOptions,
  queueBackend,
} from "../connection.ts";
import { queueName } from "../queues.ts";

/** What one who has the queue's password may put there. */
export interface ForgedJob {
  data: unknown;
  name?: string;
  /** BullMQ's own options of a job. */
  opts?: object;
}

export interface Forge extends AsyncDisposable {
  add(jobs: readonly ForgedJob[]): Promise<void>;
  /** Jobs in the queue, finished ones that were kept included. */
  kept(): Promise<number>;
}

/** Goes around genq's own ringing side, for tests. */
export function openForge(options: QueueOptions, queue: QueueName): Forge {
  const backend = queueBackend(options.url);
  const name = queueName(options.prefix, queue, backend);
  if (backend === "redis") {
    const redis = openRedis(options, false);
    return forgeOf(new Queue(name, { connection: redis, prefix: options.prefix }), () => redis.disconnect());
  }
  const pool = openPostgresPool(options, 2);
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  return forgeOf(new PostgresQueue(name, { connection: asBullConnection(pool) }), () => pool.end());
}

function forgeOf(
  queue: Pick<Queue, "add" | "getJobCounts" | "close">,
  disconnect: () => Promise<void> | void,
): Forge {
  return {
    add: async (jobs) => {
      for (const { name = "forged", data, opts } of jobs) await queue.add(name, data, opts);
    },
    kept: async () => Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count, 0),
    [Symbol.asyncDispose]: async () => {
      await queue.close();
      await disconnect();
    },
  };
}
