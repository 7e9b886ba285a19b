import { setTimeout as sleep } from "node:timers/promises";
import { arrayOf, openSql } from "../sql.ts";

/** A claim whose lease nobody renews any more: `task-attempt`. */
type ClaimKey = string;

/** What faults do to the database, and what they look up in it. */
export interface FaultDatabase extends AsyncDisposable {
  /** Claims that were not renewed for the last seconds, though they are once a second. */
  silentClaims(): Promise<Map<ClaimKey, { expired: boolean }>>;
  /** Those of these claims that were taken from their holder because it was silent. */
  abandoned(claims: ClaimKey[]): Promise<ClaimKey[]>;
  /** Ends genq's connections in the middle of whatever they do; returns how many. */
  terminateBackends(): Promise<number>;
  /** Loses all rings of a queue on Postgres. */
  emptyQueue(): Promise<void>;
  /** Locks the tasks for so long. Returns how many others waited for it at its end. */
  lockTasks(ms: number): Promise<number>;
  /** Takes all connections that are left, for so long. Returns whether one more was refused. */
  exhaustConnections(ms: number): Promise<boolean>;
  answers(): Promise<boolean>;
}

/** A lease lasts for 10 s and is renewed each second. */
const silentSeconds = 7.5;

export function openFaultDatabase(url: string): FaultDatabase {
  const connect = (max: number, applicationName: string) =>
    openSql(url, { max, applicationName, backoff: () => 0.3 });
  const sql = connect(1, "chaos");
  return {
    silentClaims: async () => {
      const rows = await sql<{ key: ClaimKey; expired: boolean }[]>`
        select id || '-' || attempt as key, lease_until < now() as expired from genq.tasks
        where status = 'processing' and lease_until < now() + make_interval(secs => ${silentSeconds})`;
      return new Map(rows.map(({ key, expired }) => [key, { expired }]));
    },
    abandoned: async (claims) => {
      const rows = await sql<{ key: ClaimKey }[]>`
        select distinct key from unnest(${arrayOf(claims)}::text[]) as key join genq.task_transitions step
          on step.task_id = left(key, 36)::uuid and step.from_status = 'processing'
        where step.writer_attempt is null and (
          (step.attempt = substr(key, 38)::integer and step.to_status in ('queued', 'failed'))
          or (step.attempt = substr(key, 38)::integer + 1 and step.to_status = 'processing'))`;
      return rows.map(({ key }) => key);
    },
    terminateBackends: async () => {
      const rows = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name in ('genq_api', 'genq_worker', 'genq_queue')`;
      return rows.length;
    },
    emptyQueue: async () => {
      await sql`delete from bullmq.job`;
    },
    lockTasks: async (ms) => {
      // In one message: the driver ends the process when a transaction asks on after its connection was lost.
      const results: unknown = await sql.unsafe(`
        begin; lock table genq.tasks in access exclusive mode; select pg_sleep(${ms / 1000});
        select count(*)::integer as waiting from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'; commit`);
      const row: unknown = Array.isArray(results) ? results.flat().at(-1) : undefined;
      return Number(Reflect.get(Object(row), "waiting") ?? 0);
    },
    exhaustConnections: async (ms) => {
      const [row] = await sql<{ most: number }[]>`select current_setting('max_connections')::integer as most`;
      const most = row?.most ?? 0;
      const all = connect(most, "chaos-crowd");
      const one = connect(1, "chaos-one");
      try {
        // What genq has is taken from it, or it would not need another one.
        const crowd = Promise.allSettled(
          Array.from({ length: most }, () => all`select pg_sleep(${ms / 1000})`),
        );
        await sleep(300);
        await sql`
          select pg_terminate_backend(pid) from pg_stat_activity where application_name in ('genq_api', 'genq_worker')`;
        await sleep(Math.max(0, ms - 600));
        const refused = await one`select 1`.then(
          () => false,
          (error: unknown) => error instanceof Error && "code" in error && error.code === "53300",
        );
        await crowd;
        return refused;
      } finally {
        await Promise.all([all.end({ timeout: 1 }), one.end({ timeout: 1 })]);
      }
    },
    answers: () =>
      sql`select 1`.then(
        () => true,
        () => false,
      ),
    [Symbol.asyncDispose]: () => sql.end({ timeout: 2 }),
  };
}
