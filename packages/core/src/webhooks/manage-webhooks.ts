import {
  AppError,
  type CreatedWebhook,
  type CreateWebhook,
  type RotatedSecret,
  type UpdateWebhook,
  type Webhook,
  type WebhookDelivery,
  webhookLimits,
} from "@genq/contract";
import {
  addWebhookSecret,
  type Database,
  deleteWebhook as deleteRow,
  fillIdempotencyKey,
  insertWebhook,
  insertWebhookTest,
  inUserTransaction,
  lockWebhooksOfUser,
  redeliverWebhook as redeliverRow,
  selectWebhook,
  selectWebhookDeliveries,
  selectWebhookDelivery,
  selectWebhooks,
  type Transaction,
  takeIdempotencyKey,
  updateWebhook as updateRow,
} from "../db/index.ts";
import { assertSameRequest, type Idempotency } from "../tasks/submit-task.ts";
import type { AddressPolicy } from "./address-policy.ts";
import { createWebhookSecret } from "./sign-webhook.ts";
import { checkWebhookUrl } from "./webhook-url.ts";

export interface WebhookServices {
  database: Database;
  webhookPolicy: AddressPolicy;
}

export interface Made<Answer> {
  answer: Answer;
  /** It was made by an earlier request with the same idempotency key; the secret is not told again. */
  replayed: boolean;
}

/** @throws AppError webhook_url_refused, webhook_limit_reached, idempotency_mismatch */
export async function createWebhook(
  services: WebhookServices,
  userId: string,
  request: CreateWebhook,
  idempotency?: Idempotency,
): Promise<Made<CreatedWebhook>> {
  await checkWebhookUrl(services.webhookPolicy, request.url);
  return inUserTransaction(services.database, userId, async (sql) => {
    await lockWebhooksOfUser(sql, userId);
    const replay = idempotency && (await takeKey(sql, userId, idempotency));
    if (replay !== undefined) {
      const webhook = found(
        replay.webhookId === null ? undefined : await selectWebhook(sql, userId, replay.webhookId),
      );
      return { answer: { ...webhook, secret: null }, replayed: true };
    }
    if ((await selectWebhooks(sql, userId)).length >= webhookLimits.endpoints) {
      throw new AppError(
        "webhook_limit_reached",
        `You have ${webhookLimits.endpoints} webhooks. Delete one before you make another.`,
      );
    }
    const webhook = await insertWebhook(sql, userId, request);
    const secret = createWebhookSecret();
    await addWebhookSecret(sql, userId, webhook.id, secret);
    if (idempotency !== undefined) {
      await fillIdempotencyKey(sql, userId, idempotency.key, { webhookId: webhook.id });
    }
    return { answer: { ...webhook, secret }, replayed: false };
  });
}

export function listWebhooks({ database }: WebhookServices, userId: string): Promise<Webhook[]> {
  return inUserTransaction(database, userId, (sql) => selectWebhooks(sql, userId));
}

/** @throws AppError not_found, also for another user's */
export async function getWebhook(
  { database }: WebhookServices,
  userId: string,
  id: string,
): Promise<Webhook> {
  return found(await inUserTransaction(database, userId, (sql) => selectWebhook(sql, userId, id)));
}

/** @throws AppError not_found, webhook_url_refused */
export async function updateWebhook(
  services: WebhookServices,
  userId: string,
  id: string,
  change: UpdateWebhook,
): Promise<Webhook> {
  if (change.url !== undefined) await checkWebhookUrl(services.webhookPolicy, change.url);
  return found(
    await inUserTransaction(services.database, userId, (sql) => updateRow(sql, userId, id, change)),
  );
}

/** @throws AppError not_found */
export async function deleteWebhook(
  { database }: WebhookServices,
  userId: string,
  id: string,
): Promise<void> {
  if (!(await inUserTransaction(database, userId, (sql) => deleteRow(sql, userId, id)))) throw notFound();
}

/**
 * Makes the next secret of an endpoint, or (`endpointId` null) of the webhooks of single tasks.
 * @throws AppError not_found, idempotency_mismatch
 */
export function rotateWebhookSecret(
  { database }: WebhookServices,
  userId: string,
  endpointId: string | null,
  idempotency?: Idempotency,
): Promise<Made<RotatedSecret>> {
  return inUserTransaction(database, userId, async (sql) => {
    await lockWebhooksOfUser(sql, userId);
    if (endpointId !== null) found(await selectWebhook(sql, userId, endpointId));
    if (idempotency !== undefined && (await takeKey(sql, userId, idempotency)) !== undefined) {
      return { answer: { secret: null, previous_expires_at: null }, replayed: true };
    }
    const secret = createWebhookSecret();
    const { previousExpiresAt } = await addWebhookSecret(sql, userId, endpointId, secret);
    return {
      answer: { secret, previous_expires_at: previousExpiresAt?.toISOString() ?? null },
      replayed: false,
    };
  });
}

/**
 * Writes a test event for an endpoint to the outbox, to be sent at once and once. The delivery's log tells what came of it.
 * @throws AppError not_found, webhook_disabled, idempotency_mismatch
 */
export function testWebhook(
  { database }: WebhookServices,
  userId: string,
  id: string,
  idempotency?: Idempotency,
): Promise<Made<WebhookDelivery>> {
  return inUserTransaction(database, userId, async (sql) => {
    const replay = idempotency && (await takeKey(sql, userId, idempotency));
    const webhook = found(await selectWebhook(sql, userId, id));
    const deliveryOf = async (deliveryId: string) =>
      found(await selectWebhookDelivery(sql, userId, id, deliveryId));
    if (replay !== undefined) return { answer: await deliveryOf(replay.deliveryId ?? ""), replayed: true };
    if (!webhook.enabled) {
      throw new AppError(
        "webhook_disabled",
        `It is sent nothing. Switch it on first: PATCH /webhooks/${id}.`,
      );
    }
    const deliveryId = await insertWebhookTest(sql, userId, id);
    if (idempotency !== undefined) await fillIdempotencyKey(sql, userId, idempotency.key, { deliveryId });
    return { answer: await deliveryOf(deliveryId), replayed: false };
  });
}

/**
 * Of an endpoint, or (`endpointId` null) of the webhooks of single tasks, as in what follows.
 * @throws AppError not_found, invalid_request for a foreign cursor
 */
export function listWebhookDeliveries(
  { database }: WebhookServices,
  userId: string,
  endpointId: string | null,
  query: { cursor?: string | undefined; limit: number; taskId?: string | undefined },
): Promise<{ deliveries: WebhookDelivery[]; nextCursor: string | null }> {
  return inUserTransaction(database, userId, async (sql) => {
    if (endpointId !== null) found(await selectWebhook(sql, userId, endpointId));
    return selectWebhookDeliveries(sql, userId, endpointId, query);
  });
}

/** @throws AppError not_found */
export async function getWebhookDelivery(
  { database }: WebhookServices,
  userId: string,
  endpointId: string | null,
  deliveryId: string,
): Promise<WebhookDelivery> {
  return found(
    await inUserTransaction(database, userId, (sql) =>
      selectWebhookDelivery(sql, userId, endpointId, deliveryId),
    ),
  );
}

/** Sends an event again, whatever came of it, under the same id. @throws AppError not_found */
export async function redeliverWebhook(
  { database }: WebhookServices,
  userId: string,
  endpointId: string | null,
  deliveryId: string,
): Promise<WebhookDelivery> {
  return found(
    await inUserTransaction(database, userId, (sql) => redeliverRow(sql, userId, endpointId, deliveryId)),
  );
}

async function takeKey(sql: Transaction, userId: string, idempotency: Idempotency) {
  const record = await takeIdempotencyKey(sql, userId, idempotency.key, idempotency.requestHash);
  if (record !== undefined) assertSameRequest(record.requestHash, idempotency);
  return record;
}

function found<Row>(row: Row | undefined): Row {
  if (row === undefined) throw notFound();
  return row;
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such webhook.");
}
