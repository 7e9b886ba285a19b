import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createProblem, type WebhookDelivery, webhookEventTypes } from "@genq/contract";
import type { TestStack } from "../../../test/open-test-stack.ts";
import {
  type Claim,
  closeDatabase,
  completeTask,
  failTask,
  inServiceTransaction,
  openDatabase,
  selectWebhookLag,
} from "../../db/index.ts";
import { openQueues } from "../../queue/index.ts";
import { submitTask } from "../../tasks/index.ts";
import {
  addressPolicy,
  createDispatcher,
  createWebhook,
  createWebhookSender,
  listWebhookDeliveries,
  parseNetworks,
} from "../index.ts";

interface Received {
  headers: Record<string, string>;
  body: string;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;
export const ok: Answer = (response) => void response.writeHead(204).end();

const payload = { texts: ["a secret text"], kind: "passage" as const };
export const result = {
  model: "m",
  dimensions: 1,
  embeddings: [[1]],
  usage: { prompt_tokens: 3, truncated_tokens: [0] },
};

/** Both sides of webhooks over a test file's stack: the api's and the worker's, and receivers on loopback. */
export function openWebhookStack(stack: TestStack) {
  const open = (role: "genq_api" | "genq_worker") =>
    openDatabase({ url: stack.databaseUrl, role, max: 6, prepare: true });
  const api = open("genq_api");
  const worker = open("genq_worker");
  const queues = openQueues({ url: stack.queueUrl, prefix: stack.queuePrefix });
  const webhookPolicy = addressPolicy(parseNetworks("127.0.0.0/8"));
  const services = { database: api, queues, maxQueuedTasks: 1000, webhookPolicy };
  const sender = createWebhookSender({ policy: webhookPolicy, timeoutMs: 1500 });
  const receivers: { close(): void }[] = [];

  const claim = async (id: string): Promise<Claim> => {
    const task = await stack.claimTask(worker, id);
    if (task === undefined) throw new Error("The task could not be claimed.");
    return { taskId: id, attempt: task.attempt };
  };
  return {
    api,
    worker,
    services,
    sender,
    claim,
    /** A receiver that keeps what it got, and answers in turn, at last again and again. */
    startReceiver: async (...answers: Answer[]) => {
      const received: Received[] = [];
      const server = createServer((request, response) => {
        const answer = answers[Math.min(received.length, answers.length - 1)] ?? ok;
        void text(request).then((body) => {
          received.push({ headers: request.headers as Record<string, string>, body });
          answer(response, request);
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      receivers.push({
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      });
      return { url: `http://127.0.0.1:${port}/hook`, received };
    },
    submit: async (userId: string, url?: string) => {
      const webhook = url === undefined ? {} : { webhook: { url } };
      const work = { userId, kind: "embed" as const, payload: { ...payload, ...webhook } };
      return (await submitTask(services, work)).task.id;
    },
    register: async (userId: string, url: string, types = [...webhookEventTypes]) =>
      (await createWebhook(services, userId, { url, description: "", event_types: types })).answer,
    complete: async (id: string) => {
      const held = await claim(id);
      await inServiceTransaction(worker, (sql) => completeTask<"embed">(sql, held, result));
    },
    fail: async (id: string, detail = "no") => {
      const held = await claim(id);
      await inServiceTransaction(worker, (sql) =>
        failTask(sql, held, createProblem("model_crashed", detail)),
      );
    },
    /** Sends all that is due now. */
    dispatchAll: async () => {
      const dispatcher = createDispatcher({ database: worker, sender });
      do {
        await dispatcher.round();
        await sleep(10);
      } while ((await inServiceTransaction(worker, selectWebhookLag)).due > 0);
      await dispatcher.stop(new AbortController().signal);
    },
    /** Time passes for what waits for its next attempt. */
    makeDue: () =>
      inServiceTransaction(
        worker,
        (sql) => sql`update webhook_deliveries set run_after = now() where status = 'pending'`,
      ),
    deliveriesOf: (userId: string, id: string): Promise<WebhookDelivery[]> =>
      listWebhookDeliveries(services, userId, id, { limit: 100 }).then((page) => page.deliveries),
    close: async () => {
      for (const receiver of receivers) receiver.close();
      await sender.close();
      await queues.close();
      await closeDatabase(api);
      await closeDatabase(worker);
    },
  };
}
