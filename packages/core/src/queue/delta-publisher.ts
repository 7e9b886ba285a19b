import type { TaskDelta } from "@genq/contract";
import { createPostgresRelayBackend, type IRelayBackend, RedisRelayBackend } from "bullmq";
import { createCircuit, within } from "./circuit.ts";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueOptions,
  queueBackend,
} from "./connection.ts";
import { startOnce } from "./start-once.ts";

/** A worker's side of the channel of deltas. */
export interface DeltaPublisher {
  /**
   * Sends a piece to those who listen to its task now; nothing is kept for others. False when the queue's server did not
   * take it within 0.7 s, or is known to be away: then the piece is not sent again. Publish one after the other: that is their order.
   */
  publish(delta: TaskDelta): Promise<boolean>;
  close(): Promise<void>;
}

const publishing = { boundMs: 700, pauseMs: 1000 } as const;
/** In bytes: the longest delta with every character escaped. */
const maxSize = 64 * 1024;

/** BullMQ's relay, which delivers by topic; a task's topic is its id. */
export function deltaNamespace(prefix: string): string {
  return `${prefix}-deltas`;
}

/** The newest that a subscriber keeps unread; older ones are dropped, and what it misses shows by the offsets. */
export const inboxLimit = 5000;

export function openDeltaPublisher(options: QueueOptions): DeltaPublisher {
  const side = queueBackend(options.url) === "redis" ? openRedisSide(options) : openPostgresSide(options);
  const circuit = createCircuit(publishing);
  const backend = startOnce(side.make);
  // The first use takes longer than a publish may.
  backend.get().catch(() => undefined);
  return {
    publish: async (delta) => {
      const data = JSON.stringify(delta);
      const sent = await circuit.run(async () => {
        return (await backend.get()).publish(delta.task_id, data, { ts: Date.now(), retainMs: 0, maxSize });
      });
      return sent !== undefined;
    },
    close: async () => {
      await within(publishing.boundMs, async () => (await backend.current())?.close());
      await within(publishing.boundMs, side.end);
    },
  };
}

interface Side {
  make: () => IRelayBackend;
  end: () => Promise<void>;
}

// Not a Relay of BullMQ, which also reads an inbox and says every few seconds that it lives: a worker hears nothing.

function openRedisSide(options: QueueOptions): Side {
  const { prefix } = options;
  const redis = openRedis(options, false);
  return {
    make: () =>
      new RedisRelayBackend({
        connection: redis,
        namespace: deltaNamespace(prefix),
        prefix,
        inboxMaxLength: inboxLimit,
      }),
    end: async () => redis.disconnect(),
  };
}

function openPostgresSide(options: QueueOptions): Side {
  const pool = openPostgresPool(options, 2, 1000);
  return {
    make: () =>
      createPostgresRelayBackend({
        connection: asBullConnection(pool),
        namespace: deltaNamespace(options.prefix),
      }),
    end: () => pool.end(),
  };
}
