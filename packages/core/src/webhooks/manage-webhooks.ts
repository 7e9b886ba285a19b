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
  inUserTransaction,
  lockWebhooksOfUser,
  redeliverWebhook as redeliverRow,
  selectWebhook,
  selectWebhookDeliveries,
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
      const made = { taskId: null, fileId: null, webhookId: webhook.id };
      await fillIdempotencyKey(sql, userId, idempotency.key, made);
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

/** @throws AppError not_found, invalid_request for a foreign cursor */
export function listWebhookDeliveries(
  { database }: WebhookServices,
  userId: string,
  endpointId: string,
  query: { cursor?: string | undefined; limit: number },
): Promise<{ deliveries: WebhookDelivery[]; nextCursor: string | null }> {
  return inUserTransaction(database, userId, async (sql) => {
    found(await selectWebhook(sql, userId, endpointId));
    return selectWebhookDeliveries(sql, userId, endpointId, query);
  });
}

/** Sends an event again, whatever came of it, under the same id. @throws AppError not_found */
export async function redeliverWebhook(
  { database }: WebhookServices,
  userId: string,
  endpointId: string,
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
