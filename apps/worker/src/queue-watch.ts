import { type QueueName, queueNames } from "@genq/contract";
import { type Database, inServiceTransaction, selectOverdueQueues } from "@genq/core/db";
import type { Queues } from "@genq/core/queue";
import { repeat } from "./repeat.ts";

/** How long a queue may stand still, and how long silence is nothing to wonder about. */
const standstillMs = 30_000;
const everyMs = 2000;
const probeEveryMs = 10_000;

export interface QueueWatch {
  /** The worker answers this queue from now on. */
  opened(queue: QueueName): void;
  /** A ring came all the way: a task's, or a probe's. */
  heard(queue: QueueName): void;
  /** A task was claimed. Returns what to call when its run has ended. */
  claimed(queue: QueueName): () => void;
  /** The queues whose tasks this worker moves, or could. */
  moving(): QueueName[];
  stop(): Promise<void>;
}

export interface QueueWatchOptions {
  database: Database;
  queues: Pick<Queues, "probe">;
  workerId: string;
  concurrency: Record<QueueName, number>;
  runningPerUser: number;
  /** Tasks wait that this worker could do, and nothing comes. Called once. */
  onStandstill: (queue: QueueName) => void;
  /** Another set of queues moves than before. */
  onChange: () => void;
  standstillMs?: number;
}

interface QueueState {
  openedAt: number;
  heardAt: number | undefined;
  claimedAt: number;
  probedAt: number;
  /** Since when the queue's server takes probes. */
  takenSince: number | undefined;
  running: number;
  overdue: boolean;
}

/**
 * Watches for progress, for connections that look well may be dead. While tasks wait a queue moves when some were
 * claimed lately; else when a ring came through lately, and where nothing rings, a probe does: a job like a ring, on
 * the same queue, that claims nothing.
 */
export function startQueueWatch(options: QueueWatchOptions): QueueWatch {
  const states = new Map<QueueName, QueueState>();
  const limitMs = options.standstillMs ?? standstillMs;
  let databaseSince: number | undefined;
  let told = "";
  let standing = false;

  const isBusy = (queue: QueueName, state: QueueState) => state.running >= options.concurrency[queue];
  const isMoving = (queue: QueueName, state: QueueState) => {
    if (isBusy(queue, state)) return true;
    const movedAt = state.overdue ? state.claimedAt : (state.heardAt ?? Number.NEGATIVE_INFINITY);
    return performance.now() - movedAt < limitMs;
  };
  const moving = () =>
    queueNames.filter((queue) => {
      const state = states.get(queue);
      return state !== undefined && isMoving(queue, state);
    });
  const tell = () => {
    const now = moving().join();
    if (now === told) return;
    told = now;
    options.onChange();
  };
  const probe = async (queue: QueueName, state: QueueState) => {
    const now = performance.now();
    if (isBusy(queue, state) || now - state.probedAt < Math.min(probeEveryMs, limitMs / 3)) return;
    state.probedAt = now;
    const taken = await options.queues.probe(queue, options.workerId);
    state.takenSince = taken ? (state.takenSince ?? now) : undefined;
  };
  const look = async () => {
    for (const [queue, state] of states) await probe(queue, state);
    const overdue = await inServiceTransaction(options.database, (sql) =>
      selectOverdueQueues(sql, { waitedMs: limitMs, runningPerUser: options.runningPerUser }),
    ).catch(() => undefined);
    const now = performance.now();
    databaseSince = overdue === undefined ? undefined : (databaseSince ?? now);
    for (const [queue, state] of states) {
      state.overdue = overdue?.has(queue) ?? false;
      if (!state.overdue || isBusy(queue, state)) continue;
      // Nothing can be claimed while a server is away: only the time after that counts.
      const since = Math.max(
        state.openedAt,
        state.claimedAt,
        databaseSince ?? Number.POSITIVE_INFINITY,
        state.takenSince ?? Number.POSITIVE_INFINITY,
      );
      if (now - since < limitMs || standing) continue;
      standing = true;
      options.onStandstill(queue);
    }
    tell();
  };
  const round = repeat(Math.min(everyMs, limitMs / 5), look);

  return {
    opened: (queue) => {
      const now = performance.now();
      states.set(queue, {
        openedAt: now,
        heardAt: undefined,
        claimedAt: Number.NEGATIVE_INFINITY,
        probedAt: Number.NEGATIVE_INFINITY,
        takenSince: undefined,
        running: 0,
        overdue: false,
      });
      round.soon();
    },
    heard: (queue) => {
      const state = states.get(queue);
      if (state === undefined) return;
      state.heardAt = performance.now();
      tell();
    },
    claimed: (queue) => {
      const state = states.get(queue);
      if (state === undefined) return () => undefined;
      state.claimedAt = performance.now();
      state.running++;
      return () => {
        state.running--;
        // A slot that was taken could claim nothing until now.
        state.claimedAt = performance.now();
      };
    },
    moving,
    stop: () => round.stop(),
  };
}
