import {
  type CreatedWebhook,
  createdWebhookSchema,
  type RotatedSecret,
  rotatedSecretSchema,
  type UpdateWebhook,
  type Webhook,
  type WebhookDelivery,
  type WebhookInput,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
  webhookListSchema,
  webhookSchema,
} from "@genq/contract";
import { eachItem, type Page } from "./pages.ts";
import { parseAnswer } from "./parse-answer.ts";
import type { Transport } from "./transport.ts";

interface CallOptions {
  signal?: AbortSignal;
}

interface MakeOptions extends CallOptions {
  /** Default: a new one for each call. When the answer to a call was lost and asked for again, its `secret` is null: rotate it. */
  idempotencyKey?: string;
}

interface TaskDeliveryFilter {
  taskId?: string;
  pageSize?: number;
}

export interface Webhooks {
  /** Registers an endpoint. Its `secret` is told this once. @throws GenqError webhook_url_refused, webhook_limit_reached */
  create(webhook: WebhookInput, options?: MakeOptions): Promise<CreatedWebhook>;
  /** All of the caller's endpoints, newest first. */
  list(options?: CallOptions): Promise<Webhook[]>;
  get(id: string, options?: CallOptions): Promise<Webhook>;
  /** Changes what is given; `enabled` switches it on or off. */
  update(id: string, change: UpdateWebhook, options?: CallOptions): Promise<Webhook>;
  /** Forgets an endpoint and what it was to be told. */
  delete(id: string, options?: CallOptions): Promise<void>;
  /** Makes an endpoint's next secret; messages are signed with the one before too, for a day. */
  rotateSecret(id: string, options?: MakeOptions): Promise<RotatedSecret>;
  /** The same for the secret that signs the webhooks of single tasks. The first call makes it. */
  rotateTaskSecret(options?: MakeOptions): Promise<RotatedSecret>;
  /** What an endpoint was told, with each attempt, newest first, fetched page by page. */
  deliveries(
    id: string,
    filter?: { pageSize?: number },
    options?: CallOptions,
  ): AsyncGenerator<WebhookDelivery, void, void>;
  /** One page; `cursor` is the `next_cursor` of the page before. */
  deliveryPage(
    id: string,
    filter?: { pageSize?: number; cursor?: string },
    options?: CallOptions,
  ): Promise<Page<WebhookDelivery>>;
  /** One delivery, to see how a test or an event that was sent again went. */
  delivery(id: string, deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>;
  /** Sends an event again, under the same id. */
  redeliver(id: string, deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>;
  /** Sends an event of type `webhook.test` once; `delivery` tells how it went. @throws GenqError webhook_disabled */
  test(id: string, options?: MakeOptions): Promise<WebhookDelivery>;
  /** `deliveries` of the webhooks of single tasks; with `taskId` of that one. */
  taskDeliveries(
    filter?: TaskDeliveryFilter,
    options?: CallOptions,
  ): AsyncGenerator<WebhookDelivery, void, void>;
  taskDeliveryPage(
    filter?: TaskDeliveryFilter & { cursor?: string },
    options?: CallOptions,
  ): Promise<Page<WebhookDelivery>>;
  taskDelivery(deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>;
  /** `redeliver` for the webhook of a single task. */
  redeliverForTask(deliveryId: string, options?: CallOptions): Promise<WebhookDelivery>;
}

export function createWebhooks(transport: Transport): Webhooks {
  const make = (path: string, json: unknown, { idempotencyKey, signal }: MakeOptions = {}) =>
    transport.send({
      method: "POST",
      path,
      json,
      headers: { "idempotency-key": idempotencyKey ?? crypto.randomUUID() },
      repeatable: true,
      signal,
    });
  const rotate = async (path: string, options?: MakeOptions) =>
    parseAnswer(await make(path, undefined, options), rotatedSecretSchema);
  const pageOf = async (
    path: string,
    { pageSize, cursor, taskId }: TaskDeliveryFilter & { cursor?: string } = {},
    options?: CallOptions,
  ) => {
    const query = { limit: pageSize, cursor, task_id: taskId };
    return parseAnswer(
      await transport.send({ method: "GET", path: `${path}/deliveries`, query, ...options }),
      webhookDeliveryPageSchema,
    );
  };
  const eachOf = (path: string, filter: TaskDeliveryFilter = {}, options?: CallOptions) =>
    eachItem((cursor) => pageOf(path, { ...filter, ...(cursor === undefined ? {} : { cursor }) }, options));
  const read = async (path: string, deliveryId: string, options?: CallOptions) =>
    parseAnswer(
      await transport.send({ method: "GET", path: deliveryPath(path, deliveryId), ...options }),
      webhookDeliverySchema,
    );
  const sendAgain = async (path: string, deliveryId: string, options?: CallOptions) =>
    parseAnswer(
      await transport.send({
        method: "POST",
        path: `${deliveryPath(path, deliveryId)}/redeliver`,
        repeatable: true,
        ...options,
      }),
      webhookDeliverySchema,
    );
  return {
    create: async (webhook, options) =>
      parseAnswer(await make("/webhooks", webhook, options), createdWebhookSchema),
    list: async (options) =>
      parseAnswer(await transport.send({ method: "GET", path: "/webhooks", ...options }), webhookListSchema)
        .data,
    get: async (id, options) =>
      parseAnswer(await transport.send({ method: "GET", path: webhookPath(id), ...options }), webhookSchema),
    update: async (id, change, options) =>
      parseAnswer(
        await transport.send({
          method: "PATCH",
          path: webhookPath(id),
          json: change,
          repeatable: true,
          ...options,
        }),
        webhookSchema,
      ),
    delete: async (id, options) => {
      await transport.send({ method: "DELETE", path: webhookPath(id), ...options });
    },
    rotateSecret: (id, options) => rotate(`${webhookPath(id)}/secret/rotate`, options),
    rotateTaskSecret: (options) => rotate("/webhooks/secret/rotate", options),
    deliveryPage: (id, filter, options) => pageOf(webhookPath(id), filter, options),
    deliveries: (id, filter, options) => eachOf(webhookPath(id), filter, options),
    delivery: (id, deliveryId, options) => read(webhookPath(id), deliveryId, options),
    redeliver: (id, deliveryId, options) => sendAgain(webhookPath(id), deliveryId, options),
    test: async (id, options) =>
      parseAnswer(await make(`${webhookPath(id)}/test`, undefined, options), webhookDeliverySchema),
    taskDeliveryPage: (filter, options) => pageOf("/webhooks", filter, options),
    taskDeliveries: (filter, options) => eachOf("/webhooks", filter, options),
    taskDelivery: (deliveryId, options) => read("/webhooks", deliveryId, options),
    redeliverForTask: (deliveryId, options) => sendAgain("/webhooks", deliveryId, options),
  };
}

function deliveryPath(path: string, deliveryId: string): string {
  return `${path}/deliveries/${encodeURIComponent(deliveryId)}`;
}

function webhookPath(id: string): string {
  return `/webhooks/${encodeURIComponent(id)}`;
}
