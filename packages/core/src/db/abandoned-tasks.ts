import { poisonedProblem, type QueueName, unreportedAttemptsLimit } from "@genq/contract";
import type { Transaction } from "./database.ts";
import { failFilesOfTasks } from "./expire-tasks.ts";
import { toJson } from "./tasks.ts";

/** A task to ring for, and what its ring carries. */
export interface DueRing {
  taskId: string;
  queue: QueueName;
  attempt: number;
}

/**
 * Takes up to `limit` tasks from workers whose lease ran out: back to the queue with their turn, or `failed` at the third
 * attempt that ended without a report. Any number may do so: each task goes to one of them.
 */
export async function takeBackAbandoned(
  sql: Transaction,
  limit: number,
): Promise<{ requeued: DueRing[]; poisoned: string[] }> {
  const problem = poisonedProblem(unreportedAttemptsLimit);
  const rows = await sql<(DueRow & { status: string; file_id: string | null })[]>`
    with abandoned as materialized (
      select id, user_id, queue, unreported_attempts + 1 as unreported from tasks
      where status = 'processing' and lease_until <= now() order by lease_until limit ${limit} for update skip locked
    ), decided as (
      select *, unreported >= ${unreportedAttemptsLimit} as poisoned from abandoned order by user_id, queue
    )
    update tasks t set unreported_attempts = unreported, lease_until = null, run_after = now(), rung_at = now(),
      updated_at = now(), status = case when poisoned then 'failed' else 'queued' end,
      problem = case when poisoned then ${sql.json(toJson(problem))} end, finished_at = case when poisoned then now() end
    from decided where t.id = decided.id returning t.id, t.queue, t.attempt, t.status, t.file_id`;
  const poisoned = rows.filter((row) => row.status === "failed");
  await failFilesOfTasks(sql, poisoned);
  return {
    requeued: rows.filter((row) => row.status === "queued").map(toRing),
    poisoned: poisoned.map((row) => row.id),
  };
}

export interface DueRow {
  id: string;
  queue: QueueName;
  attempt: number;
}

export function toRing(row: DueRow): DueRing {
  return { taskId: row.id, queue: row.queue, attempt: row.attempt };
}
