import { type WebhookDelivery, webhookDeliverySchema, webhookLimits } from "@genq/contract";
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

/** One page of what an endpoint was told or is still to be told, newest first. */
export async function selectWebhookDeliveries(
  sql: Transaction,
  userId: string,
  endpointId: string,
  query: { cursor?: string | undefined; limit: number },
): Promise<{ deliveries: WebhookDelivery[]; nextCursor: string | null }> {
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const rows = await sql`
    select ${columns(sql)}, ${positionOf(sql)} as position from webhook_deliveries d
    where user_id = ${userId} and endpoint_id = ${endpointId}
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

/** Sends again, from the first pause on and under the same id. Undefined when there is no such delivery. */
export async function redeliverWebhook(
  sql: Transaction,
  userId: string,
  endpointId: string,
  id: string,
): Promise<WebhookDelivery | undefined> {
  await sql`
    update webhook_deliveries set status = 'pending', tries = 0, run_after = now(), finished_at = null
    where id = ${id} and endpoint_id = ${endpointId} and user_id = ${userId}`;
  const rows = await sql`
    select ${columns(sql)} from webhook_deliveries d
    where id = ${id} and endpoint_id = ${endpointId} and user_id = ${userId}`;
  return rows.map((row) => rowSchema.parse(row))[0];
}
