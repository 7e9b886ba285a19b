import { createProblem, type JobKind, jobCatalog, jobKinds } from "@genq/contract";
import type { Transaction } from "./database.ts";
import { toJson } from "./tasks.ts";

/**
 * Ends up to `limit` tasks that waited longer than their deadline, oldest deadline first, with the files that they were
 * for. Any number may do so: each task goes to one of them. Returns how many.
 */
export async function expireTasks(sql: Transaction, limit: number): Promise<number> {
  const problems = Object.fromEntries(jobKinds.map((kind) => [kind, expired(kind)]));
  const rows = await sql<{ id: string; file_id: string | null }[]>`
    with overdue as materialized (
      select id from tasks where status = 'queued' and expires_at <= now()
      order by expires_at limit ${limit} for update skip locked
    )
    update tasks t set status = 'expired', problem = ${sql.json(toJson(problems))} -> kind, finished_at = now(),
      updated_at = now()
    from overdue where t.id = overdue.id returning t.id, t.file_id`;
  await failFilesOfTasks(sql, rows);
  return rows.length;
}

/** The files of tasks that have just failed or expired have failed with them, whoever owns them. */
export async function failFilesOfTasks(
  sql: Transaction,
  tasks: readonly { id: string; file_id: string | null }[],
): Promise<void> {
  const ids = tasks.flatMap((task) => (task.file_id === null ? [] : [task.id]));
  if (ids.length > 0) await sql`select fail_files_of_tasks(${ids}::uuid[])`;
}

function expired(kind: JobKind) {
  const seconds = jobCatalog[kind].limits.waitSeconds;
  return createProblem(
    "task_expired",
    `The task waited more than ${seconds} s for a worker. Submit it again.`,
  );
}
