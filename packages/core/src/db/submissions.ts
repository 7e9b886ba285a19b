import { type JobKind, jobCatalog } from "@genq/contract";
import type { Transaction } from "./database.ts";
import { listedTaskRowSchema, type TaskRow } from "./rows.ts";
import { listedTaskColumns, toJson } from "./tasks.ts";

/** A task that is submitted together with those of other users. */
export interface Submission {
  id: string;
  userId: string;
  kind: JobKind;
  payload: TaskRow["payload"];
  idempotency: { key: string; requestHash: string } | undefined;
}

/** Row level security lets this transaction submit for these users, and for no other. */
export async function submitFor(sql: Transaction, submissions: Submission[]): Promise<void> {
  await sql`select set_config('genq.submitting_users', ${usersOf(submissions).join()}, true)`;
}

/** How many tasks each user has waiting. Counts no further than `limit`. */
export async function countQueued(
  sql: Transaction,
  submissions: Submission[],
  limit: number,
): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; waiting: number }[]>`
    select users.id, (
      select count(*)::integer from (select from tasks where user_id = users.id and status = 'queued' limit ${limit}) counted
    ) as waiting
    from unnest(${usersOf(submissions)}::uuid[]) as users (id)`;
  return new Map(rows.map((row) => [row.id, row.waiting]));
}

/** Takes the keys of these submissions, which must all be of different users or keys. Returns those that were free. */
export async function takeFreeKeys(sql: Transaction, submissions: Submission[]): Promise<Submission[]> {
  const keyed = submissions.flatMap((submission) =>
    submission.idempotency === undefined
      ? []
      : [
          {
            user_id: submission.userId,
            key: submission.idempotency.key,
            hash: submission.idempotency.requestHash,
          },
        ],
  );
  if (keyed.length === 0) return submissions;
  // In one order, so that two groups that take the same keys do not wait for each other in a circle.
  const rows = await sql<{ user_id: string; key: string }[]>`
    insert into idempotency_keys (user_id, key, request_hash)
    select user_id, key, hash from jsonb_to_recordset(${sql.json(keyed)}) as wanted (user_id uuid, key text, hash text)
    order by user_id, key
    on conflict do nothing returning user_id, key`;
  const free = new Set(rows.map((row) => `${row.user_id} ${row.key}`));
  return submissions.filter(
    ({ userId, idempotency }) => idempotency === undefined || free.has(`${userId} ${idempotency.key}`),
  );
}

/** Inserts tasks, and notes them in their idempotency keys. Returns them by id. */
export async function insertTasks(
  sql: Transaction,
  submissions: Submission[],
): Promise<Map<string, TaskRow>> {
  const values = submissions.map(({ id, userId, kind, payload }) => ({
    id,
    user_id: userId,
    kind,
    queue: jobCatalog[kind].queue,
    payload,
    wait_seconds: jobCatalog[kind].limits.waitSeconds,
  }));
  const keyed = submissions.flatMap(({ id, userId, idempotency }) =>
    idempotency === undefined ? [] : [{ id, user_id: userId, key: idempotency.key }],
  );
  const [rows] = await Promise.all([
    sql`
      insert into tasks (id, user_id, kind, queue, payload, expires_at)
      select id, user_id, kind, queue, payload, now() + make_interval(secs => wait_seconds)
      from jsonb_to_recordset(${sql.json(toJson(values))})
        as submitted (id uuid, user_id uuid, kind text, queue text, payload jsonb, wait_seconds integer)
      order by user_id, queue
      returning ${sql(listedTaskColumns)}`,
    keyed.length > 0 &&
      sql`
      update idempotency_keys k set task_id = taken.id
      from jsonb_to_recordset(${sql.json(keyed)}) as taken (id uuid, user_id uuid, key text)
      where k.user_id = taken.user_id and k.key = taken.key`,
  ]);
  const payloads = new Map(submissions.map(({ id, payload }) => [id, payload]));
  const tasks = rows.flatMap((row) => {
    const listed = listedTaskRowSchema.parse(row);
    const payload = payloads.get(listed.id);
    return payload === undefined ? [] : [{ ...listed, payload, result: null }];
  });
  return new Map(tasks.map((task) => [task.id, task]));
}

/** `selectQueueState` of many tasks, in one look at each queue. */
export async function selectQueueStates(
  sql: Transaction,
  submissions: Submission[],
): Promise<Map<string, { ahead: number; etaSeconds: number | null }>> {
  const rows = await sql<
    { id: string; ahead: number; eta_seconds: number | null }[]
  >`select * from queue_states(${submissions.map(({ id }) => id)}::uuid[])`;
  return new Map(rows.map((row) => [row.id, { ahead: row.ahead, etaSeconds: row.eta_seconds }]));
}

function usersOf(submissions: Submission[]): string[] {
  return [...new Set(submissions.map(({ userId }) => userId))];
}
