import type { QueueName } from "@genq/contract";
import { type DueRing, type DueRow, toRing } from "./abandoned-tasks.ts";
import type { Transaction } from "./database.ts";

/** How many tasks of a queue could run now; it stops counting at `limit`. */
export async function countDueTasks(sql: Transaction, queue: QueueName, limit: number): Promise<number> {
  const [row] = await sql<{ due: number }[]>`
    select count(*)::integer as due from (
      select 1 from tasks where queue = ${queue} and status = 'queued' and greatest(rung_at, run_after) <= now() limit ${limit}
    ) capped`;
  return row?.due ?? 0;
}

/**
 * Takes up to `limit` due tasks of a queue that nobody rang for in `silentMs`, and notes the time of this ring. Many
 * reconcilers may do so at once: each task goes to one of them.
 */
export async function takeSilentTasks(
  sql: Transaction,
  queue: QueueName,
  options: { silentMs: number; limit: number },
): Promise<DueRing[]> {
  const rows = await sql<DueRow[]>`
    with silent as materialized (
      select id from tasks where queue = ${queue} and status = 'queued'
        and greatest(rung_at, run_after) <= now() - make_interval(secs => ${options.silentMs / 1000})
      order by greatest(rung_at, run_after) limit ${options.limit} for update skip locked
    )
    update tasks t set rung_at = now() from silent where t.id = silent.id returning t.id, t.queue, t.attempt`;
  return rows.map(toRing);
}
