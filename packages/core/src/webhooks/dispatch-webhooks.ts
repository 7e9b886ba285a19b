import { webhookTestType } from "@genq/contract";
import {
  type AttemptRecord,
  type AttemptVerdict,
  type ClaimedDelivery,
  claimWebhookDeliveries,
  type Database,
  inServiceTransaction,
  recordWebhookAttempt,
} from "../db/index.ts";
import { retryPauseSeconds } from "./retry-pause.ts";
import type { SendOutcome, WebhookSender } from "./send-webhook.ts";
import { signWebhook } from "./sign-webhook.ts";

export interface Dispatcher {
  /** Takes what is due and starts to send it. Resolves with how many were taken, before they are sent. */
  round(): Promise<number>;
  /** Takes no more, waits for what runs, and gives up on it when the signal aborts: it is sent again later. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface DispatcherOptions {
  database: Database;
  sender: WebhookSender;
  limits?: { inAll: number; perLane: number; perUser: number };
  /** Called after each attempt, when its outcome is written. */
  onAttempt?: (delivery: ClaimedDelivery, outcome: SendOutcome, verdict: AttemptVerdict) => void;
  onError?: (error: unknown) => void;
}

/** A slow receiver holds few of the places, and a user with many slow ones no more than a quarter. */
const defaultLimits = { inAll: 32, perLane: 4, perUser: 8 };
/** An attempt takes ten seconds at most; one whose worker died is made again after this. */
const leaseMs = 20_000;

/** Delivers events of the outbox at least once. Any number of dispatchers may run. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, sender, onAttempt, onError, limits = defaultLimits } = options;
  const running = new Map<ClaimedDelivery, Promise<void>>();
  const giveUp = new AbortController();
  let stopped = false;

  const deliver = async (delivery: ClaimedDelivery) => {
    const outcome = await send(sender, delivery, giveUp.signal);
    // Ours, not the receiver's: the lease runs out, and another worker sends it.
    if (giveUp.signal.aborted && outcome.error !== null) return;
    const verdict = judge(delivery, outcome);
    await inServiceTransaction(database, (sql) =>
      recordWebhookAttempt(sql, delivery, toRecord(outcome), verdict),
    );
    onAttempt?.(delivery, outcome, verdict);
  };

  return {
    round: async () => {
      const limit = limits.inAll - running.size;
      if (stopped || limit <= 0) return 0;
      const claimed = await inServiceTransaction(database, (sql) =>
        claimWebhookDeliveries(sql, { ...limits, limit, leaseMs }, [...running.keys()]),
      );
      for (const delivery of claimed) {
        const done = deliver(delivery)
          .catch((error: unknown) => onError?.(error))
          .finally(() => running.delete(delivery));
        running.set(delivery, done);
      }
      return claimed.length;
    },
    stop: async (signal) => {
      stopped = true;
      signal.addEventListener("abort", () => giveUp.abort(), { once: true });
      if (signal.aborted) giveUp.abort();
      await Promise.all(running.values());
    },
  };
}

function send(
  sender: WebhookSender,
  delivery: ClaimedDelivery,
  signal: AbortSignal,
): Promise<SendOutcome> | SendOutcome {
  const { url, secrets, body } = delivery;
  const unsent = { statusCode: null, response: null, retryAfterSeconds: null, ms: 0 };
  if (url === null) return { ...unsent, error: "endpoint_deleted" };
  if (secrets.length === 0) return { ...unsent, error: "secret_missing" };
  return sender.send({ url, headers: signWebhook(secrets, delivery), body }, signal);
}

function judge(delivery: ClaimedDelivery, outcome: SendOutcome): AttemptVerdict {
  const { statusCode, error } = outcome;
  if (statusCode !== null && statusCode >= 200 && statusCode < 300) return { status: "delivered" };
  if (statusCode === 410) return { status: "dead", gone: true };
  if (error === "endpoint_deleted" || delivery.type === webhookTestType)
    return { status: "dead", gone: false };
  const delaySeconds = retryPauseSeconds(delivery.tries, outcome.retryAfterSeconds);
  return delaySeconds === undefined ? { status: "dead", gone: false } : { status: "pending", delaySeconds };
}

function toRecord({ ms, statusCode, error, response }: SendOutcome): AttemptRecord {
  return { ms, statusCode, error, response };
}
