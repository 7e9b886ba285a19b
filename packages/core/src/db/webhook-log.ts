import { type WebhookDelivery, webhookDeliverySchema, webhookLimits, webhookTestType } from "@genq/contract";
import { z } from "zod";
import { decodeCursor, encodeCursor, positionOf } from "./cursor.ts";
import type { Transaction } from "./database.ts";

const isoDate = z.date().transform((date) => date.toISOString());
const rowSchema = z
  .object({
    ...webhookDeliverySchema.shape,
    created_at: isoDate,
    next_attempt_at: isoDate.nullable(),
    finished_at: isoDate.nullable(),
  })
  .transform((row): WebhookDelivery => row);

const columns = (sql: Transaction) => sql`
  id, type, task_id, status, created_at, finished_at,
  case when status = 'pending' then run_after end as next_attempt_at,
  coalesce((
    select json_agg(json_build_object('at', rfc3339(a.at), 'ms', a.ms, 'status_code', a.status_code, 'error', a.error,
      'response', a.response) order by a.id desc)
    from (select * from webhook_attempts where delivery_id = d.id order by id desc limit ${webhookLimits.attemptsShown}) a
  ), '[]'::json) as attempts`;

/** Of an endpoint, or (null) of the webhooks of single tasks. */
const of = (sql: Transaction, userId: string, endpointId: string | null) =>
  endpointId === null
    ? sql`user_id = ${userId} and endpoint_id is null`
    : sql`user_id = ${userId} and endpoint_id = ${endpointId}`;

/** One page of what a receiver was told or is still to be told, newest first; with `taskId` of that task alone. */
export async function selectWebhookDeliveries(
  sql: Transaction,
  userId: string,
  endpointId: string | null,
  query: { cursor?: string | undefined; limit: number; taskId?: string | undefined },
): Promise<{ deliveries: WebhookDelivery[]; nextCursor: string | null }> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const rows = await sql`
    select ${columns(sql)}, ${positionOf(sql)} as position from webhook_deliveries d
    where ${of(sql, userId, endpointId)}
      ${query.taskId === undefined ? sql`` : sql`and task_id = ${query.taskId}`}
      ${after === undefined ? sql`` : sql`and (created_at, id) < (${after.createdAt}::timestamptz, ${after.id})`}
    order by created_at desc, id desc limit ${query.limit + 1}`;
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  return {
    deliveries: rows.slice(0, query.limit).map((row) => rowSchema.parse(row)),
    nextCursor:
      last === undefined
        ? null
        : encodeCursor({ createdAt: String(last["position"]), id: String(last["id"]) }),
  };
}

export async function selectWebhookDelivery(
  sql: Transaction,
  userId: string,
  endpointId: string | null,
  id: string,
): Promise<WebhookDelivery | undefined> {
  const rows = await sql`
    select ${columns(sql)} from webhook_deliveries d where id = ${id} and ${of(sql, userId, endpointId)}`;
  return rows.map((row) => rowSchema.parse(row))[0];
}

/** Sends again, from the first pause on and under the same id. Undefined when there is no such delivery. */
export async function redeliverWebhook(
  sql: Transaction,
  userId: string,
  endpointId: string | null,
  id: string,
): Promise<WebhookDelivery | undefined> {
  await sql`
    update webhook_deliveries set status = 'pending', tries = 0, run_after = now(), finished_at = null
    where id = ${id} and ${of(sql, userId, endpointId)}`;
  return selectWebhookDelivery(sql, userId, endpointId, id);
}

/** Writes the test of an endpoint to the outbox. Returns the id of its delivery. */
export async function insertWebhookTest(
  sql: Transaction,
  userId: string,
  endpointId: string,
): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into webhook_deliveries (user_id, endpoint_id, lane, type, body)
    values (${userId}, ${endpointId}, ${endpointId}, ${webhookTestType}, json_build_object(
      'type', ${webhookTestType}::text, 'timestamp', rfc3339(now()),
      'data', json_build_object('webhook_id', ${endpointId}::uuid))::text)
    returning id`;
  return z.object({ id: z.uuid() }).parse(row).id;
}
