import { type QueueName, queueNames } from "@genq/contract";
import { createPostgresBackend, Queue, withBackend } from "bullmq";
import type { Redis } from "ioredis";
import { groupCommit } from "../db/group-commit.ts";
import { createCircuit, within } from "./circuit.ts";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueBackend,
  type QueueOptions,
  queueBackend,
} from "./connection.ts";
import { type QueueReport, reportRedis, soundQueue } from "./queue-report.ts";
import { type Starter, startOnce } from "./start-once.ts";

/** What a ring carries: the task's id and nothing else; the worker reads the rest from the row. */
interface RingData {
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
   * Rings for a task, in one go with those that ring at the same time; beyond `ringsEnough` there is no need to. False when
   * the queue did not take it within the bound: the row is the truth, and a reconciler rings again.
   */
  ring(ring: Ring): Promise<boolean>;
  /** Rings for many tasks of one queue. Returns how many rings were heard; the first that is not ends it. */
  ringAll(queue: QueueName, rings: readonly Ring[]): Promise<number>;
  /** How many rings of a queue wait to be answered; undefined when the queue does not say so within the bound. */
  waiting(queue: QueueName): Promise<number | undefined>;
  /**
   * Sends what goes the way of a ring and is for no task. `id` keeps one such waiting at a time. False when the queue
   * did not take it.
   */
  probe(queue: QueueName, id: string): Promise<boolean>;
  /** Whether the queue's server answers within a second. */
  ping(): Promise<boolean>;
  /** Looks at the server's settings and memory. Undefined when it does not answer within a second or so. */
  inspect(): Promise<QueueReport | undefined>;
  close(): Promise<void>;
}

/** How long a request waits for the doorbell, and for how long no other does after one that was not heard. */
const ringing = { boundMs: 700, pauseMs: 1000 } as const;
const answerMs = 800;
const ringsAtOnce = 100;

/**
 * Who answers a ring claims until there is no work. So a queue needs no ring for each task, only enough waiting that every
 * slot of every worker finds one, however many tasks wait.
 */
export const ringsEnough = 500;

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
    inspect: async () => {
      const [info, save] = await Promise.all([redis.info(), readSavePoints(redis)]);
      return reportRedis(info, save);
    },
    end: () => redis.disconnect(),
  });
}

function openPostgresQueues(options: QueueOptions): Queues {
  const pool = openPostgresPool(options, 4, 1000);
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
    inspect: () => pool.query("select 1").then(() => soundQueue),
    end: () => pool.end(),
  });
}

/** The part of BullMQ's queue that both backends share. */
interface RingQueue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: RingData, options: object): Promise<unknown>;
  addBulk(jobs: { name: string; data: RingData; opts: object }[]): Promise<unknown>;
  getWaitingCount(): Promise<number>;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

interface Connection {
  backend: QueueBackend;
  make: (name: QueueName) => RingQueue;
  ping: () => Promise<unknown>;
  inspect: () => Promise<QueueReport>;
  end: () => unknown;
}

function createQueues(options: QueueOptions, connection: Connection): Queues {
  const circuit = createCircuit(ringing);
  const queues = new Map<QueueName, Starter<RingQueue>>();
  const ready = (name: QueueName): Promise<RingQueue> => {
    const known = queues.get(name);
    if (known !== undefined) return known.get();
    const queue = startOnce(() => {
      const made = connection.make(name);
      made.on("error", (error) => options.onError?.(error));
      return made;
    });
    queues.set(name, queue);
    return queue.get();
  };
  const add = async (name: QueueName, rings: Ring[]): Promise<unknown> => {
    const queue = await ready(name);
    const [job, ...more] = rings.map(toJob);
    if (job === undefined) return undefined;
    // Who rings alone does so at once; to ask first, or for one by BullMQ's bulk, would cost more than it spares.
    if (more.length === 0) return queue.add(job.name, job.data, job.opts);
    let room = ringsEnough - (await queue.getWaitingCount());
    const needed = rings.filter((ring) => isForLater(ring) || room-- > 0);
    return needed.length > 0 && queue.addBulk(needed.map(toJob));
  };
  const ringTogether = async (name: QueueName, rings: Ring[]): Promise<boolean[]> => {
    const heard = await circuit.run(() => add(name, rings).then(() => true));
    return rings.map(() => heard === true);
  };
  // Two lanes: while one finds out whether a server is back, the other says at once that it is away.
  const ringers = new Map(
    queueNames.map((name) => [
      name,
      groupCommit((rings: Ring[]) => ringTogether(name, rings), { most: ringsAtOnce, lanes: 2 }),
    ]),
  );
  return {
    backend: connection.backend,
    // Also when other groups are ahead of it at a server that is slow.
    ring: async (ring) =>
      (await within(ringing.boundMs, async () => ringers.get(ring.queue)?.(ring))) === true,
    ringAll: async (name, rings) => {
      let heard = 0;
      while (heard < rings.length) {
        const some = rings.slice(heard, heard + ringsAtOnce);
        if ((await circuit.run(async () => (await ready(name)).addBulk(some.map(toJob)))) === undefined)
          break;
        heard += some.length;
      }
      return heard;
    },
    probe: async (name, id) => {
      const job = { ...onceOnly, jobId: `${probeName}-${id}` };
      const adding = async () => (await ready(name)).add(probeName, { taskId: id }, job);
      return (await within(answerMs, adding)) !== undefined;
    },
    waiting: (name) => within(answerMs, async () => (await ready(name)).getWaitingCount()),
    ping: async () => (await within(answerMs, connection.ping)) !== undefined,
    inspect: () => within(answerMs, connection.inspect),
    close: async () => {
      const started = await Promise.allSettled([...queues.values()].map((queue) => queue.current()));
      const open = started.flatMap((result) => (result.status === "fulfilled" ? (result.value ?? []) : []));
      await Promise.allSettled(open.map((queue) => queue.close()));
      await connection.end();
    },
  };
}

/** When it makes snapshots; undefined where a managed server has no CONFIG. */
async function readSavePoints(redis: Redis): Promise<string | undefined> {
  const answer: unknown = await redis.config("GET", "save").catch(() => undefined);
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The name of jobs that are no rings. */
export const probeName = "probe";

// A finished job that is kept would silently swallow a later ring of the same id.
export const onceOnly = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

function isForLater(ring: Ring): boolean {
  return ring.delayMs !== undefined && ring.delayMs > 0;
}

function toJob(ring: Ring): { name: string; data: RingData; opts: object } {
  return {
    name: "ring",
    data: { taskId: ring.taskId },
    opts: {
      ...onceOnly,
      jobId: `${ring.taskId}-${ring.attempt}`,
      ...(isForLater(ring) ? { delay: ring.delayMs } : {}),
    },
  };
}
