import type { JobKind, JobResult, Problem, Progress } from "@genq/contract";
import type { Transaction } from "./database.ts";
import { failFilesOfTasks } from "./expire-tasks.ts";
import { toJson } from "./tasks.ts";

/** What holds a claim: every later write names both, so that a stale attempt writes nothing. */
export interface Claim {
  taskId: string;
  attempt: number;
}

/** Extends the leases of running claims. Returns the ones that are still held; the others must stop at once. */
export async function renewLeases(sql: Transaction, claims: Claim[], leaseMs: number): Promise<Claim[]> {
  if (claims.length === 0) return [];
  const rows = await sql<{ id: string; attempt: number }[]>`
    with held as materialized (
      select t.id from tasks t
      join unnest(${claims.map((claim) => claim.taskId)}::uuid[], ${claims.map((claim) => claim.attempt)}::int[])
        as claimed (id, attempt) on t.id = claimed.id and t.attempt = claimed.attempt
      where t.status = 'processing' order by t.id for update of t
    )
    update tasks t set lease_until = now() + make_interval(secs => ${leaseMs / 1000})
    from held where t.id = held.id returning t.id, t.attempt`;
  return rows.map((row) => ({ taskId: row.id, attempt: row.attempt }));
}

/**
 * Locks the row of a running claim, and tells the log who writes in this transaction. False when the claim was lost:
 * then nothing may be written.
 */
export async function holdClaim(sql: Transaction, claim: Claim): Promise<boolean> {
  const rows = await sql`
    select set_config('genq.writer_attempt', ${writerOf(claim)}, true) from tasks
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' for update`;
  return rows.length > 0;
}

export async function writeProgress(sql: Transaction, claim: Claim, progress: Progress): Promise<boolean> {
  const rows = await sql`
    update tasks set progress = ${sql.json(toJson(progress))}, updated_at = now()
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id`;
  return rows.length > 0;
}

export async function completeTask<Kind extends JobKind>(
  sql: Transaction,
  claim: Claim,
  result: JobResult<Kind>,
): Promise<boolean> {
  const rows = await sql`
    update tasks set status = 'completed', result = ${sql.json(toJson(result))}, finished_at = now(), updated_at = now(),
      lease_until = null
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id`;
  return rows.length > 0;
}

/** A task that is completed together with others, by a run that has no other effects. */
export interface Completion {
  claim: Claim;
  /** The result as JSON. */
  result: string;
}

/**
 * Completes those whose claims are still held. Tells of each whether it was, in order. Of two attempts of a task the
 * older one has lost its claim, and does not count as a writer.
 */
export async function completeTasks(sql: Transaction, given: Completion[]): Promise<boolean[]> {
  const latest = new Map<string, number>();
  for (const { claim } of given) {
    latest.set(claim.taskId, Math.max(claim.attempt, latest.get(claim.taskId) ?? 0));
  }
  const completions = given.filter(({ claim }) => claim.attempt === latest.get(claim.taskId));
  const claims = completions.map(({ claim }) => claim);
  const [, rows] = await Promise.all([
    sql`select set_config('genq.writer_attempt', ${claims.map(writerOf).join()}, true)`,
    // Locked in one order, so that leases that are renewed at the same time don't wait for this in a circle.
    sql<{ id: string; attempt: number }[]>`
      with done as materialized (
        select * from unnest(${claims.map((claim) => claim.taskId)}::uuid[], ${claims.map((claim) => claim.attempt)}::int[],
          ${completions.map(({ result }) => result)}::text[]) as given (id, attempt, result)
      ), held as materialized (
        select t.id, done.result from tasks t join done on t.id = done.id and t.attempt = done.attempt
        where t.status = 'processing' order by t.id for update of t
      )
      update tasks t set status = 'completed', result = held.result::jsonb, finished_at = now(), updated_at = now(),
        lease_until = null
      from held where t.id = held.id returning t.id, t.attempt`,
  ]);
  const written = new Set(rows.map((row) => writerOf({ taskId: row.id, attempt: row.attempt })));
  return given.map(({ claim }) => written.has(writerOf(claim)));
}

/** As the log of transitions wants it. */
function writerOf(claim: Claim): string {
  return `${claim.taskId}:${claim.attempt}`;
}

/** Ends a task in a problem; the file that it was for is `failed` with it. `unreported` as in `releaseTask`. */
export async function failTask(
  sql: Transaction,
  claim: Claim,
  problem: Problem,
  { unreported = false } = {},
): Promise<boolean> {
  const rows = await sql<{ id: string; file_id: string | null }[]>`
    update tasks set status = 'failed', problem = ${sql.json(toJson(problem))}, finished_at = now(), updated_at = now(),
      lease_until = null, unreported_attempts = unreported_attempts + ${unreported ? 1 : 0}
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id, file_id`;
  if (rows.length === 0) return false;
  await failFilesOfTasks(sql, rows);
  return true;
}

/**
 * Gives a task back to the queue: after a retryable problem (`delayMs`), at the end of its user's line, or at a shutdown,
 * which is not counted and costs it no turn. `unreported`: the attempt ended without a word of its own, for the process
 * that worked at it died.
 */
export async function releaseTask(
  sql: Transaction,
  claim: Claim,
  options: { delayMs: number; counted: boolean; unreported?: boolean },
): Promise<boolean> {
  const rows = await sql`
    update tasks set status = 'queued', lease_until = null, rung_at = null, updated_at = now(),
      run_after = now() + make_interval(secs => ${options.delayMs / 1000}),
      life_attempts = life_attempts - ${options.counted ? 0 : 1}, turn = ${options.counted ? null : sql`turn`},
      unreported_attempts = unreported_attempts + ${options.unreported ? 1 : 0}
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id`;
  return rows.length > 0;
}
