import {
  type Database,
  deleteOldWebhookDeliveries,
  inServiceTransaction,
  selectWebhookLag,
} from "@genq/core/db";
import { createDispatcher, type WebhookSender } from "@genq/core/webhooks";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";
import { repeat } from "./repeat.ts";

const dispatchEveryMs = 1000;
const lagEveryMs = 10_000;
const cleanEveryMs = 600_000;

export interface Webhooks {
  /** Ends what runs when the signal aborts, at the latest: it is sent again by another worker. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Delivers the events of the outbox, and forgets old ones. Any number of workers may do so. */
export function startWebhooks(options: {
  database: Database;
  sender: WebhookSender;
  log: Logger;
  metrics: Metrics;
  onError: (error: unknown, message: string) => void;
}): Webhooks {
  const { database, sender, log, metrics, onError } = options;
  const told = (message: string, work: () => Promise<void>) => () =>
    work().catch((error: unknown) => {
      onError(error, message);
      throw error;
    });
  const dispatcher = createDispatcher({
    database,
    sender,
    onAttempt: ({ id, tries }, { statusCode, error, ms }, { status }) => {
      metrics.webhookAttempted(status);
      log[status === "dead" ? "warn" : "info"](
        { webhook_id: id, tries, status_code: statusCode, error, ms, status },
        "webhook attempt",
      );
      rounds.soon();
    },
    onError: (error) => onError(error, "a webhook's outcome could not be written"),
  });
  const rounds = repeat(
    dispatchEveryMs,
    told("webhooks were not taken", async () => {
      if ((await dispatcher.round()) > 0) rounds.soon();
    }),
  );
  const lags = repeat(
    lagEveryMs,
    told("the lag of webhooks was not read", async () => {
      metrics.webhookLag((await inServiceTransaction(database, selectWebhookLag)).oldestSeconds);
    }),
  );
  const cleaning = repeat(
    cleanEveryMs,
    told("old webhooks were not deleted", async () => {
      await inServiceTransaction(database, (sql) => deleteOldWebhookDeliveries(sql));
    }),
  );
  return {
    stop: async (signal) => {
      await Promise.all([rounds.stop(), lags.stop(), cleaning.stop()]);
      await dispatcher.stop(signal);
      await sender.close();
    },
  };
}
