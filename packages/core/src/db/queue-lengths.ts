import { queueNames } from "@genq/contract";
import type { Transaction } from "./database.ts";

/** More tasks of a queue than this are not counted: who asks how long it is does so every few seconds. */
const mostCounted = 10_000;
/** How far into a queue's line it is looked. */
const lookedAt = 1000;

/** What waits in each queue, 10,000 at most. */
export async function selectQueueDepths(sql: Transaction): Promise<Map<string, number>> {
  const rows = await sql<{ queue: string; waiting: string }[]>`select queue, waiting from queue_depths()`;
  return new Map(rows.map((row) => [row.queue, Number(row.waiting)]));
}

/**
 * What waits in each queue and could run now, 10,000 at most, and for how long the oldest of the next 1,000 in line has
 * waited for its turn. Reads a bounded part of three indexes, whatever waits. For those who see all tasks.
 */
export async function selectQueueLags(
  sql: Transaction,
): Promise<{ queue: string; due: number; oldestSeconds: number }[]> {
  // Ordered, so that a plan can only go backwards from the end of its index.
  const rows = await sql<{ queue: string; due: number; oldest_seconds: number | null }[]>`
    select known.queue, waiting.tasks - later.tasks as due,
      extract(epoch from now() - head.oldest)::float8 as oldest_seconds
    from unnest(${[...queueNames]}::text[]) as known (queue)
    cross join lateral (select count(*)::integer as tasks from (
      select from tasks where tasks.queue = known.queue and status = 'queued' and greatest(rung_at, run_after) > now()
      order by greatest(rung_at, run_after) desc limit ${mostCounted}
    ) last) later
    cross join lateral (select count(*)::integer as tasks from (
      select from tasks where tasks.queue = known.queue and status = 'queued' limit ${mostCounted} + later.tasks
    ) counted) waiting
    cross join lateral (select min(run_after) as oldest from (
      select run_after from tasks where tasks.queue = known.queue and status = 'queued'
      order by turn, place limit ${lookedAt}
    ) first where run_after <= now()) head`;
  return rows.map((row) => ({ queue: row.queue, due: row.due, oldestSeconds: row.oldest_seconds ?? 0 }));
}

/**
 * The queues at whose head a task has waited longer than `waitedMs` that could be claimed: its time has come, and its
 * user has fewer than `runningPerUser` running. For those who see all tasks.
 */
export async function selectOverdueQueues(
  sql: Transaction,
  options: { waitedMs: number; runningPerUser: number },
): Promise<Set<string>> {
  const rows = await sql<{ queue: string }[]>`
    with capped as (
      select queue, user_id from tasks where status = 'processing'
      group by queue, user_id having count(*) >= ${options.runningPerUser}
    )
    select queue from unnest(${[...queueNames]}::text[]) as known (queue)
    where exists (
      select from (
        select user_id, greatest(created_at, run_after) as due_at from tasks
        where tasks.queue = known.queue and status = 'queued' order by turn, place limit ${lookedAt}
      ) line
      where due_at < now() - make_interval(secs => ${options.waitedMs / 1000})
        and not exists (select from capped where capped.queue = known.queue and capped.user_id = line.user_id))`;
  return new Set(rows.map((row) => row.queue));
}
