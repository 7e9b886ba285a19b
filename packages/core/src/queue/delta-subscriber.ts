import { setTimeout as sleep } from "node:timers/promises";
import { type TaskDelta, taskDeltaSchema } from "@genq/contract";
import { createPostgresRelayBackend, Relay, type RelaySubscription } from "bullmq";
import { within } from "./circuit.ts";
import {
  asBullConnection,
  openPostgresPool,
  openRedis,
  type QueueOptions,
  queueBackend,
} from "./connection.ts";
import { deltaNamespace, inboxLimit } from "./delta-publisher.ts";
import { startOnce } from "./start-once.ts";

/** The api's side of the channel of deltas. Opened by the first subscription. */
export interface DeltaSubscriber {
  /**
   * Calls `onDelta` for each piece of one task's text that comes from now on, of rising attempts, and of rising offsets
   * in an attempt. What came before, or is lost, shows by an offset beyond the text so far; the task's row has it all
   * in the end, and it alone tells that the text is complete.
   *
   * The channel knows no users: the caller has read the task's row as the user who asks, so that it is theirs.
   *
   * Resolves how to end it, after which nothing is called; undefined when the queue's server did not answer in 2 s.
   */
  subscribe(taskId: string, onDelta: (delta: TaskDelta) => void): Promise<(() => void) | undefined>;
  close(): Promise<void>;
}

const subscribeMs = 2000;
const closeMs = 1000;
/** What is left of a process that died is gone from the server after this. */
const leaseDuration = 15_000;
const retryMs = 1000;

export function openDeltaSubscriber(options: QueueOptions): DeltaSubscriber {
  const open = queueBackend(options.url) === "redis" ? openRedisSide : openPostgresSide;
  let side: Side | undefined;
  let closed = false;
  const onError = (error: Error) => options.onError?.(error);
  // One that started comes back by itself after an outage.
  const relay = startOnce(() => {
    side ??= open(options);
    const made = side.make();
    made.on("error", onError);
    return made;
  });
  const leave = async (subscription: RelaySubscription) => {
    while (!closed) {
      try {
        return await subscription.unsubscribe();
      } catch {
        // Else the server would go on filling the inbox with it.
        await sleep(retryMs, undefined, { ref: false });
      }
    }
  };
  return {
    subscribe: async (taskId, onDelta) => {
      let listening = true;
      const isNext = risingOrder();
      const onMessage = ({ data }: { data: unknown }) => {
        const { success, data: delta } = taskDeltaSchema.safeParse(data);
        if (listening && success && isNext(delta)) onDelta(delta);
      };
      const subscribing = (async () => await (await relay.get()).subscribe(taskId, onMessage))();
      const end = () => {
        listening = false;
        subscribing.then(leave).catch(() => undefined);
      };
      if ((await within(subscribeMs, () => subscribing)) !== undefined) return end;
      end();
      return undefined;
    },
    close: async () => {
      closed = true;
      const opened = side;
      if (opened === undefined) return;
      // Without a server there is nothing to say goodbye to.
      await within(closeMs, async () => (await relay.current())?.close());
      await within(closeMs, opened.end);
    },
  };
}

/** A piece whose sender gave up waiting may come after later ones, and an attempt that was overtaken may still speak. */
function risingOrder(): (delta: TaskDelta) => boolean {
  let attempt = 0;
  let end = 0;
  return (delta) => {
    if (delta.attempt < attempt || (delta.attempt === attempt && delta.offset < end)) return false;
    attempt = delta.attempt;
    end = delta.offset + delta.delta.length;
    return true;
  };
}

type DeltaRelay = Pick<Relay, "on" | "waitUntilReady" | "subscribe" | "close">;

interface Side {
  make: () => DeltaRelay;
  end: () => Promise<void>;
}

function openRedisSide(options: QueueOptions): Side {
  // Its copy waits in one command for the next piece.
  const redis = openRedis(options, true);
  return {
    make: () => new Relay({ ...settingsOf(options), connection: redis, prefix: options.prefix }),
    end: async () => redis.disconnect(),
  };
}

function openPostgresSide(options: QueueOptions): Side {
  const pool = openPostgresPool(options, 3, 5000);
  return {
    make: () =>
      new Relay({
        ...settingsOf(options),
        connection: asBullConnection(pool),
        backend: createPostgresRelayBackend,
      }),
    end: () => pool.end(),
  };
}

function settingsOf({ prefix }: QueueOptions) {
  return { namespace: deltaNamespace(prefix), leaseDuration, inboxMaxLength: inboxLimit };
}
