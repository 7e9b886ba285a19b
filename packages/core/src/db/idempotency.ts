import type { Transaction } from "./database.ts";

export interface IdempotencyRecord {
  requestHash: string;
  taskId: string | null;
  fileId: string | null;
  webhookId: string | null;
  deliveryId: string | null;
}

/**
 * Takes an idempotency key for this transaction. Undefined: it is ours, and what it made must be noted by
 * `fillIdempotencyKey` before the commit. Otherwise the record of the request that took it; a request with the same
 * key that runs at the same time is waited for.
 */
export async function takeIdempotencyKey(
  sql: Transaction,
  userId: string,
  key: string,
  requestHash: string,
): Promise<IdempotencyRecord | undefined> {
  await sql`delete from idempotency_keys where user_id = ${userId} and key = ${key} and created_at < now() - interval '24 hours'`;
  const inserted = await sql`
    insert into idempotency_keys (user_id, key, request_hash) values (${userId}, ${key}, ${requestHash})
    on conflict do nothing returning key`;
  if (inserted.length > 0) return undefined;
  return selectIdempotencyKey(sql, userId, key);
}

async function selectIdempotencyKey(
  sql: Transaction,
  userId: string,
  key: string,
): Promise<IdempotencyRecord | undefined> {
  const [row] = await sql<
    {
      request_hash: string;
      task_id: string | null;
      file_id: string | null;
      webhook_id: string | null;
      delivery_id: string | null;
    }[]
  >`
    select request_hash, task_id, file_id, webhook_id, delivery_id from idempotency_keys
    where user_id = ${userId} and key = ${key} and created_at >= now() - interval '24 hours'`;
  return (
    row && {
      requestHash: row.request_hash,
      taskId: row.task_id,
      fileId: row.file_id,
      webhookId: row.webhook_id,
      deliveryId: row.delivery_id,
    }
  );
}

export async function fillIdempotencyKey(
  sql: Transaction,
  userId: string,
  key: string,
  made: { taskId?: string | null; fileId?: string | null; webhookId?: string; deliveryId?: string },
): Promise<void> {
  await sql`
    update idempotency_keys set task_id = ${made.taskId ?? null}, file_id = ${made.fileId ?? null},
      webhook_id = ${made.webhookId ?? null}, delivery_id = ${made.deliveryId ?? null}
    where user_id = ${userId} and key = ${key}`;
}

export async function deleteOldIdempotencyKeys(sql: Transaction): Promise<void> {
  await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`;
}
