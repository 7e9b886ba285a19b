import type { QueueName } from "@genq/contract";
import type { PendingQuery, Row } from "postgres";
import { ZodError } from "zod";
import { type Database, inServiceTransaction, type Transaction } from "./database.ts";
import { errorCode } from "./database-errors.ts";
import { expireTasks } from "./expire-tasks.ts";
import { type TaskRow, taskRowSchema } from "./rows.ts";
import { taskColumns } from "./tasks.ts";

export interface ClaimOptions {
  /** Tasks at most. */
  limit: number;
  /** How long the claims hold without being renewed, by the database's clock. */
  leaseMs: number;
  /** Tasks of one user that may run in this queue at a time. */
  runningPerUser: number;
  /** The tasks that rings named, to learn whether the queue has them at all. */
  rung?: readonly string[];
}

export interface Claimed {
  tasks: TaskRow[];
  /** Claimed rows that don't fit their kind's schema. Nobody can run them: their leases run out, and they are quarantined. */
  unreadable: string[];
  /** Of `rung`, what is no task of this queue. */
  unknown: string[];
}

/** SQLSTATE of a claim whose COMMIT found more of a user's tasks running than may. */
export const tooManyRunning = "GQ002";
const maxTries = 5;
/** How far a claim looks past the waiting tasks of users who have enough running before it looks user by user. */
const nearTurns = 1000;
const expiredAtOnce = 200;
/** Rounds of one claim: each expires some tasks, or looks past those of users who have enough running. */
const maxRounds = 10;

/**
 * Takes the next tasks of a queue whose time has come, in their fair order: `processing`, the next attempt number, a
 * lease. Any number of workers may claim at the same time. Tasks that waited too long are `expired` on the way, and those
 * of users who have enough running are left. Fewer than `limit`: there is no more to claim now.
 */
export async function claimNext(
  database: Database,
  queue: QueueName,
  options: ClaimOptions,
): Promise<Claimed> {
  for (let tries = 1; ; tries++) {
    try {
      const { rows, unknown } = await inServiceTransaction(database, async (sql) => {
        const [rows, unknown] = await Promise.all([
          claimRows(sql, queue, options),
          selectUnknown(sql, queue, options.rung ?? []),
        ]);
        return { rows, unknown };
      });
      return { ...readTasks(rows), unknown };
    } catch (error) {
      if (errorCode(error) !== tooManyRunning) throw error;
      // Others claimed tasks of the same user at the same time: the next look sees them.
      if (tries === maxTries) return { tasks: [], unreadable: [], unknown: [] };
    }
  }
}

/**
 * The same in a transaction that has more to do, which COMMIT may refuse with `tooManyRunning`. It looks once: unless the
 * queue is `drained`, `claimNext` may find more.
 */
export async function claimAlong(
  sql: Transaction,
  queue: QueueName,
  options: Omit<ClaimOptions, "rung">,
): Promise<Omit<Claimed, "unknown"> & { drained: boolean }> {
  const { rows, seen } = await claimFrom(sql, queue, options, firstDue(sql, queue, options.limit));
  return { ...readTasks(rows), drained: seen < options.limit && rows.length === seen };
}

function readTasks(rows: ClaimedRow[]): Omit<Claimed, "unknown"> {
  const read = rows.map((row) => ({ id: row.id, task: readTask(row) }));
  return {
    tasks: read.flatMap(({ task }) => task ?? []),
    unreadable: read.flatMap(({ id, task }) => (task === undefined ? [id] : [])),
  };
}

/** Undefined for a row that does not fit its kind: it must not fail the claims of others beside it. */
function readTask(row: ClaimedRow): TaskRow | undefined {
  try {
    return taskRowSchema.parse(row);
  } catch (error) {
    if (error instanceof ZodError) return undefined;
    throw error;
  }
}

async function selectUnknown(sql: Transaction, queue: QueueName, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await sql<{ id: string }[]>`
    select rung.id from unnest(${[...ids]}::uuid[]) as rung (id)
    where not exists (select from tasks where tasks.id = rung.id and tasks.queue = ${queue})`;
  return rows.map((row) => row.id);
}

type ClaimedRow = Row & { id: string };

async function claimRows(sql: Transaction, queue: QueueName, options: ClaimOptions): Promise<ClaimedRow[]> {
  const rows: ClaimedRow[] = [];
  let pastCapped = false;
  for (let round = 1; round <= maxRounds; round++) {
    const wanted = { ...options, limit: options.limit - rows.length };
    const due = pastCapped ? dueOfUncapped(sql, queue, wanted) : firstDue(sql, queue, wanted.limit);
    const claimed = await claimFrom(sql, queue, wanted, due);
    rows.push(...claimed.rows);
    if (claimed.overdue > 0) await expireTasks(sql, expiredAtOnce);
    if (rows.length === options.limit || claimed.seen < wanted.limit) break;
    // What is neither claimed nor overdue belongs to users who have enough running.
    pastCapped ||= claimed.rows.length + claimed.overdue < claimed.seen;
  }
  return rows;
}

type Fragment = PendingQuery<Row[]>;

function firstDue(sql: Transaction, queue: QueueName, limit: number): Fragment {
  return sql`
    select ctid, user_id, turn, place, expires_at <= now() as overdue from tasks
    where queue = ${queue} and status = 'queued' and run_after <= now()
    order by turn, place limit ${limit} for update skip locked`;
}

/**
 * The same past users who have enough running, of whom much may wait: among the first turns, and where those hold too few,
 * user by user, of all queues, through the index that begins with the user, which costs more. A few more candidates than
 * wanted, for others may hold some. They are not found by `status = 'queued'`: for that all that waits may be searched.
 */
function dueOfUncapped(sql: Transaction, queue: QueueName, options: ClaimOptions): Fragment {
  const { limit, runningPerUser } = options;
  return sql`
    select ctid, user_id, turn, place, expires_at <= now() as overdue from tasks
    where case status when 'queued' then run_after <= now() end and ctid in (
      with recursive near as materialized (
        select ctid, turn, place from (
          select ctid, user_id, turn, place from tasks
          where queue = ${queue} and status = 'queued' and run_after <= now()
          order by turn, place limit ${nearTurns}
        ) first
        where user_id not in (select user_id from running where tasks >= ${runningPerUser})
      ), waiting (user_id) as (
        (select user_id from tasks where status = 'queued' and (select count(*) from near) < ${limit}
          order by user_id limit 1)
        union all
        select (select next.user_id from tasks next where next.status = 'queued' and next.user_id > waiting.user_id
            order by next.user_id limit 1)
        from waiting where waiting.user_id is not null
      ), heads as (
        select head.* from waiting left join running using (user_id) cross join lateral (
          select ctid, turn, place from tasks
          where queue = ${queue} and status = 'queued' and user_id = waiting.user_id and run_after <= now()
          order by turn limit greatest(0, least(${limit}, ${runningPerUser} - coalesce(running.tasks, 0)))
        ) head
      )
      select ctid from (select * from near union select * from heads) candidates
      order by turn, place limit ${limit * 4 + 16})
    order by turn, place limit ${limit} for update skip locked`;
}

async function claimFrom(
  sql: Transaction,
  queue: QueueName,
  { leaseMs, runningPerUser }: ClaimOptions,
  due: Fragment,
): Promise<{ rows: ClaimedRow[]; seen: number; overdue: number }> {
  // Rows are found again by `ctid`, which no plan does by reading all of them: statistics that were taken while the
  // table was empty make that look as cheap as their keys.
  // Updated in the order of users: the checks at COMMIT lock in this order, and so can't block each other in a circle.
  const [, rows] = await Promise.all([
    // Who claims holds no claim yet, whatever this transaction wrote before.
    sql`select set_config('genq.running_per_user', ${runningPerUser}::text, true), set_config('genq.writer_attempt', '', true)`,
    sql<{ seen: number; overdue: number; id: string | null }[]>`
      with running as (
        select user_id, count(*)::integer as tasks from tasks where queue = ${queue} and status = 'processing' group by user_id
      ), due as materialized (${due}), chosen as (
        select ctid from (
          select *, row_number() over (partition by user_id order by turn) as nth from due where not overdue
        ) fresh left join running using (user_id)
        where nth + coalesce(running.tasks, 0) <= ${runningPerUser} order by user_id
      ), claimed as (
        update tasks t set status = 'processing', attempt = attempt + 1, life_attempts = life_attempts + 1,
          lease_until = now() + make_interval(secs => ${leaseMs / 1000}), started_at = now(), updated_at = now()
        from chosen where t.ctid = chosen.ctid returning t.*
      )
      select counts.seen, counts.overdue, ${sql(taskColumns.map((column) => `claimed.${column}`))}
      from (select count(*)::integer as seen, count(*) filter (where overdue)::integer as overdue from due) counts
      left join claimed on true order by claimed.turn, claimed.place`,
  ]);
  return {
    rows: rows.filter((row): row is ClaimedRow & (typeof rows)[number] => row.id !== null),
    seen: rows[0]?.seen ?? 0,
    overdue: rows[0]?.overdue ?? 0,
  };
}
