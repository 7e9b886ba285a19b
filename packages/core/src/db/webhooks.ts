import {
  type CreateWebhook,
  type UpdateWebhook,
  type Webhook,
  webhookLimits,
  webhookSchema,
} from "@genq/contract";
import { z } from "zod";
import type { Transaction } from "./database.ts";

const columns = [
  "id",
  "url",
  "description",
  "event_types",
  "enabled",
  "disabled_reason",
  "created_at",
  "updated_at",
];

const isoDate = z.date().transform((date) => date.toISOString());
const rowSchema = z
  .object({ ...webhookSchema.shape, created_at: isoDate, updated_at: isoDate })
  .transform((row): Webhook => row);

/** Serializes the changes of one user's endpoints and secrets, so that their limits hold. */
export async function lockWebhooksOfUser(sql: Transaction, userId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('genq.webhooks:' || ${userId}, 0))`;
}

export async function insertWebhook(
  sql: Transaction,
  userId: string,
  webhook: CreateWebhook,
): Promise<Webhook> {
  const rows = await sql`
    insert into webhook_endpoints (user_id, url, description, event_types)
    values (${userId}, ${webhook.url}, ${webhook.description}, ${webhook.event_types})
    returning ${sql(columns)}`;
  return rowSchema.parse(rows[0]);
}

/** A user's endpoints, newest first; there are few. */
export async function selectWebhooks(sql: Transaction, userId: string): Promise<Webhook[]> {
  const rows = await sql`
    select ${sql(columns)} from webhook_endpoints where user_id = ${userId} order by created_at desc, id desc`;
  return rows.map((row) => rowSchema.parse(row));
}

export async function selectWebhook(
  sql: Transaction,
  userId: string,
  id: string,
): Promise<Webhook | undefined> {
  const rows =
    await sql`select ${sql(columns)} from webhook_endpoints where id = ${id} and user_id = ${userId}`;
  return rows.map((row) => rowSchema.parse(row))[0];
}

/** Changes what is given. Switched on again, it is no longer said to be gone. */
export async function updateWebhook(
  sql: Transaction,
  userId: string,
  id: string,
  change: UpdateWebhook,
): Promise<Webhook | undefined> {
  const { url, description, event_types: types, enabled } = change;
  const rows = await sql`
    update webhook_endpoints set updated_at = now(),
      url = coalesce(${url ?? null}, url),
      description = coalesce(${description ?? null}, description),
      event_types = coalesce(${types ?? null}::text[], event_types),
      enabled = coalesce(${enabled ?? null}, enabled),
      disabled_reason = case when ${enabled ?? null}::boolean then null else disabled_reason end
    where id = ${id} and user_id = ${userId} returning ${sql(columns)}`;
  return rows.map((row) => rowSchema.parse(row))[0];
}

/** Deletes an endpoint with its secrets, its log and what it has not been told yet. */
export async function deleteWebhook(sql: Transaction, userId: string, id: string): Promise<boolean> {
  const rows = await sql`delete from webhook_endpoints where id = ${id} and user_id = ${userId} returning id`;
  await sql`delete from webhook_deliveries where endpoint_id = ${id} and user_id = ${userId}`;
  return rows.length > 0;
}

/**
 * Adds a secret; those before it stay valid for a day, and no more than a few at a time. Without an endpoint it is the
 * one that signs the webhooks of the user's single tasks. Returns until when the older ones are valid.
 */
export async function addWebhookSecret(
  sql: Transaction,
  userId: string,
  endpointId: string | null,
  secret: string,
): Promise<{ previousExpiresAt: Date | null }> {
  const mine = sql`user_id = ${userId} and endpoint_id is not distinct from ${endpointId}::uuid`;
  await sql`delete from webhook_secrets where ${mine} and expires_at < now()`;
  const previous = await sql<{ expires_at: Date }[]>`
    update webhook_secrets
    set expires_at = coalesce(expires_at, now() + make_interval(hours => ${webhookLimits.secretOverlapHours}))
    where ${mine} returning expires_at`;
  await sql`
    delete from webhook_secrets where id in (
      select id from webhook_secrets where ${mine} order by created_at desc, id offset ${webhookLimits.secrets - 1})`;
  await sql`insert into webhook_secrets (user_id, endpoint_id, secret) values (${userId}, ${endpointId}, ${secret})`;
  const latest = Math.max(...previous.map((row) => row.expires_at.getTime()));
  return { previousExpiresAt: previous.length === 0 ? null : new Date(latest) };
}

/** Whether the webhooks of the user's single tasks can be signed. */
export async function hasTaskWebhookSecret(sql: Transaction, userId: string): Promise<boolean> {
  const rows = await sql`
    select 1 from webhook_secrets where user_id = ${userId} and endpoint_id is null and expires_at is null`;
  return rows.length > 0;
}
