import { type JobKind, jobCatalog, queueNames } from "@genq/contract";
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

/** As many tasks of one user as may be under way to their COMMIT at a time, over all processes: a hundred for each of ten. */
const mostUnderWay = 1000;

/** Whether a user with so many tasks waiting may be so close to the limit that submits at the same time go beyond it. */
export function isCloseToLimit(waiting: number, limit: number): boolean {
  return waiting > limit - mostUnderWay;
}

/**
 * Whether a user has fewer than `limit` tasks waiting. Transactions of one who is close to it go one after the other from
 * here to their COMMIT, each seeing those before it: together they can't go beyond it. To be asked before anything else is
 * locked that another submit may wait for, and in no transaction of several users, who would all wait.
 */
export async function hasQueueRoom(sql: Transaction, userId: string, limit: number): Promise<boolean> {
  const count = async () => (await countWaiting(sql, [userId], limit)).get(userId) ?? 0;
  const waiting = await count();
  if (waiting >= limit || !isCloseToLimit(waiting, limit)) return waiting < limit;
  await sql`select pg_advisory_xact_lock(hashtextextended('genq.queued:' || ${userId}::text, 0))`;
  return (await count()) < limit;
}

/**
 * How many tasks each of these users has waiting; counts no further than `limit`. Queue by queue, through an index of what
 * waits: what a user ever submitted may be much more.
 */
export async function countWaiting(
  sql: Transaction,
  userIds: readonly string[],
  limit: number,
): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; waiting: number }[]>`
    select users.id, (
      select count(*)::integer from (
        select from unnest(${[...queueNames]}::text[]) as known (queue) cross join lateral (
          select from tasks where tasks.queue = known.queue and user_id = users.id and status = 'queued' limit ${limit}
        ) waiting limit ${limit}
      ) counted
    ) as waiting
    from unnest(${[...userIds]}::uuid[]) as users (id)`;
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
    // In the order in which COMMIT locks to settle the turns.
    sql`
      with submitted as materialized (
        select * from jsonb_to_recordset(${sql.json(toJson(values))})
          as given (id uuid, user_id uuid, kind text, queue text, payload jsonb, wait_seconds integer)
      ), next as materialized (
        select lines.queue, turns.* from (select queue, array_agg(distinct user_id) as users from submitted group by queue) lines
        cross join lateral next_turns(lines.queue, lines.users, null) turns
      )
      insert into tasks (id, user_id, kind, queue, payload, expires_at, turn, place)
      select id, user_id, kind, queue, payload, now() + make_interval(secs => wait_seconds),
        turn + row_number() over (partition by user_id, queue) - 1, place
      from submitted join next using (user_id, queue)
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

export function usersOf(submissions: readonly Submission[]): string[] {
  return [...new Set(submissions.map(({ userId }) => userId))];
}
