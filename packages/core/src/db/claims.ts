import {
  createProblem,
  type JobKind,
  type JobResult,
  jobCatalog,
  type Problem,
  type Progress,
  unreportedAttemptsLimit,
} from "@genq/contract";
import type { Transaction } from "./database.ts";
import { type TaskRow, taskRowSchema } from "./rows.ts";
import { failFileOfTask, taskColumns, toJson } from "./tasks.ts";

/** What holds a claim: every later write names both, so that a stale attempt writes nothing. */
export interface Claim {
  taskId: string;
  attempt: number;
}

export type ClaimOutcome =
  | { claimed: true; task: TaskRow }
  /** `gone`: no such task, or it is not waiting. `held`: another worker's lease is valid. `early`: its backoff is not over. */
  | { claimed: false; reason: "gone" | "held" | "early" | "expired" | "poisoned" };

/**
 * Takes a task: `processing`, the next attempt number, a lease by the database's clock. A task whose lease ran out is
 * taken over, and the attempt that ended without a report is counted against it.
 */
export async function claimTask(sql: Transaction, id: string, leaseMs: number): Promise<ClaimOutcome> {
  const [state] = await sql<
    {
      kind: JobKind;
      status: string;
      waiting: boolean;
      overdue: boolean;
      leased: boolean;
      unreported_attempts: number;
    }[]
  >`
    select kind, status, run_after > now() as waiting, expires_at < now() as overdue,
      coalesce(lease_until > now(), false) as leased, unreported_attempts
    from tasks where id = ${id} for update`;
  if (state === undefined) return { claimed: false, reason: "gone" };
  const abandoned = state.status === "processing" && !state.leased;
  if (state.status === "processing" && !abandoned) return { claimed: false, reason: "held" };
  if (state.status !== "queued" && !abandoned) return { claimed: false, reason: "gone" };
  if (state.status === "queued" && state.waiting) return { claimed: false, reason: "early" };
  if (state.status === "queued" && state.overdue) {
    await finish(
      sql,
      id,
      "expired",
      createProblem(
        "task_expired",
        `The task waited more than ${jobCatalog[state.kind].limits.waitSeconds} s for a worker. Submit it again.`,
      ),
    );
    return { claimed: false, reason: "expired" };
  }
  const unreported = state.unreported_attempts + (abandoned ? 1 : 0);
  if (unreported >= unreportedAttemptsLimit) {
    await sql`update tasks set unreported_attempts = ${unreported} where id = ${id}`;
    await finish(
      sql,
      id,
      "failed",
      createProblem(
        "poisoned",
        `${unreported} attempts ended without a report: the task seems to end its worker. Retry it by hand when the cause is known.`,
      ),
    );
    return { claimed: false, reason: "poisoned" };
  }
  const rows = await sql`
    update tasks set status = 'processing', attempt = attempt + 1, life_attempts = life_attempts + 1,
      unreported_attempts = ${unreported}, lease_until = now() + make_interval(secs => ${leaseMs / 1000}),
      started_at = now(), updated_at = now()
    where id = ${id} returning ${sql(taskColumns)}`;
  return { claimed: true, task: taskRowSchema.parse(rows[0]) };
}

async function finish(
  sql: Transaction,
  id: string,
  status: "expired" | "failed",
  problem: Problem,
): Promise<void> {
  await sql`
    update tasks set status = ${status}, problem = ${sql.json(toJson(problem))}, finished_at = now(), updated_at = now(),
      lease_until = null
    where id = ${id}`;
  await failOwnersFile(sql, id, problem);
}

/** Extends the leases of running claims. Returns the ones that are still held; the others must stop at once. */
export async function renewLeases(sql: Transaction, claims: Claim[], leaseMs: number): Promise<Claim[]> {
  if (claims.length === 0) return [];
  const rows = await sql<{ id: string; attempt: number }[]>`
    update tasks t set lease_until = now() + make_interval(secs => ${leaseMs / 1000})
    from unnest(${claims.map((claim) => claim.taskId)}::uuid[], ${claims.map((claim) => claim.attempt)}::int[])
      as held (id, attempt)
    where t.id = held.id and t.attempt = held.attempt and t.status = 'processing'
    returning t.id, t.attempt`;
  return rows.map((row) => ({ taskId: row.id, attempt: row.attempt }));
}

/** Locks the row of a running claim. False when the claim was lost: then nothing may be written. */
export async function holdClaim(sql: Transaction, claim: Claim): Promise<boolean> {
  const rows = await sql`
    select 1 from tasks where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' for update`;
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

/** Ends a task in a problem; the file that it was for is `failed` with it. */
export async function failTask(sql: Transaction, claim: Claim, problem: Problem): Promise<boolean> {
  const rows = await sql`
    update tasks set status = 'failed', problem = ${sql.json(toJson(problem))}, finished_at = now(), updated_at = now(),
      lease_until = null
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id`;
  if (rows.length === 0) return false;
  await failOwnersFile(sql, claim.taskId, problem);
  return true;
}

/** Gives a task back to the queue: after a retryable problem (`delayMs`), or at a shutdown, which is not counted. */
export async function releaseTask(
  sql: Transaction,
  claim: Claim,
  options: { delayMs: number; counted: boolean },
): Promise<boolean> {
  const rows = await sql`
    update tasks set status = 'queued', lease_until = null, rung_at = null, updated_at = now(),
      run_after = now() + make_interval(secs => ${options.delayMs / 1000}),
      life_attempts = life_attempts - ${options.counted ? 0 : 1}
    where id = ${claim.taskId} and attempt = ${claim.attempt} and status = 'processing' returning id`;
  return rows.length > 0;
}

async function failOwnersFile(sql: Transaction, taskId: string, problem: Problem): Promise<void> {
  // Row level security shows files to their owner only: become that user for this one write.
  await sql`
    select set_config('request.jwt.claims', json_build_object('sub', user_id, 'role', 'authenticated')::text, true),
      set_config('request.jwt.claim.sub', user_id::text, true)
    from tasks where id = ${taskId} and kind = 'ingest'`;
  await failFileOfTask(sql, taskId, problem);
}

/** A task to ring for, and what its ring must carry. */
export interface Ring {
  taskId: string;
  queue: "ingest" | "embed" | "generate";
  attempt: number;
  delayMs: number;
}

/**
 * Takes up to `limit` tasks that need a ring: queued and silent for `silentMs`, or running under a lease that ran out.
 * Any number of reconcilers may run: each row goes to one of them.
 */
export async function takeSilentTasks(
  sql: Transaction,
  options: { silentMs: number; limit: number },
): Promise<Ring[]> {
  const rows = await sql<{ id: string; queue: Ring["queue"]; attempt: number }[]>`
    with silent as (
      select id from tasks
      where status = 'queued' and greatest(rung_at, run_after) < now() - make_interval(secs => ${options.silentMs / 1000})
      order by greatest(rung_at, run_after) limit ${options.limit} for update skip locked
    ), abandoned as (
      select id from tasks
      where status = 'processing' and lease_until < now()
        and (rung_at is null or rung_at < now() - make_interval(secs => ${options.silentMs / 1000}))
      order by lease_until limit ${options.limit} for update skip locked
    )
    update tasks set rung_at = now()
    where id in (select id from silent union all select id from abandoned)
    returning id, queue, attempt`;
  return rows.map((row) => ({ taskId: row.id, queue: row.queue, attempt: row.attempt, delayMs: 0 }));
}
