import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@genq/contract";
import postgres from "postgres";
import { arrayTypes } from "./array-types.ts";
import { databaseUnavailable, endsConnection, isReadOnly, toDatabaseError } from "./database-errors.ts";
import { createSlots, type Slots } from "./slots.ts";
import { createSockets, type Heard, type Sockets } from "./sockets.ts";

export type Sql = postgres.Sql;
/** Inside a transaction: what every query of this package takes. */
export type Transaction = postgres.TransactionSql;

/** The role that the transactions of a process run as. Both are subject to row level security. */
export type DatabaseRole = "genq_api" | "genq_worker";

export interface Database {
  readonly sql: Sql;
  readonly role: DatabaseRole;
  readonly timeoutMs: number;
  readonly slots: Slots;
  readonly sockets: Sockets;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  role: DatabaseRole;
  /** Connections at most. */
  max: number;
  /** False behind a transaction pooler, and on PGlite, where all connections share one session. */
  prepare: boolean;
  /** How long a transaction may take, the wait for a connection included. */
  timeoutMs?: number;
}

export interface TransactionOptions {
  /** Instead of the database's own. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 10_000;

export function openDatabase(options: DatabaseOptions): Database {
  const sockets = createSockets();
  // The driver reads these options; its types do not know the first, and make another type of client of the second.
  const untyped = { socket: sockets.open, types: arrayTypes };
  const sql = postgres(options.url, {
    max: options.max,
    prepare: options.prepare,
    connect_timeout: 2,
    idle_timeout: 60,
    keep_alive: 15,
    fetch_types: false,
    // The driver's own pauses between attempts grow to 20 s: longer than a restart of the server takes.
    backoff: (attempts) => Math.min(0.1 * attempts, 1),
    connection: { application_name: options.role },
    onnotice: () => undefined,
    ...untyped,
  });
  const { role, max, timeoutMs = defaultTimeoutMs } = options;
  return { sql, role, timeoutMs, sockets, slots: createSlots(max) };
}

export async function closeDatabase(database: Database): Promise<void> {
  await database.sql.end({ timeout: 2 });
  // What the server did not close by now, it never will.
  database.sockets.dropAll();
}

/**
 * Runs `work` in one transaction that sees the rows of one user: `auth.uid()` is that user, and row level security
 * stands behind each query. Settings are local to the transaction, as poolers and PGlite need.
 * @throws AppError database_unavailable, also when it takes longer than it may. Whether it was committed is unknown then.
 */
export function inUserTransaction<Result>(
  database: Database,
  userId: string,
  work: (sql: Transaction) => Promise<Result>,
  options?: TransactionOptions,
): Promise<Result> {
  return inTransaction(database, userId, work, options);
}

/** Runs `work` in one transaction of no user: what the role's own policies show, for claims and sweeps. */
export function inServiceTransaction<Result>(
  database: Database,
  work: (sql: Transaction) => Promise<Result>,
  options?: TransactionOptions,
): Promise<Result> {
  return inTransaction(database, "", work, options);
}

/** Makes a user that signs in nowhere, where a stack runs without authentication. Doing it again changes nothing. */
export async function ensureUser(database: Database, id: string, email: string): Promise<void> {
  await database.sql`insert into auth.users (id, email) values (${id}, ${email}) on conflict do nothing`;
}

/** A transaction that runs. */
interface Running {
  /** Aborts at its deadline. */
  readonly expired: AbortSignal;
  /** Resolves when the driver is through with it: it was committed or rolled back, or its connection is gone. */
  readonly ended: PromiseWithResolvers<void>;
  over: boolean;
}

/**
 * The driver has no deadline of its own: on a server that falls silent a query would wait for hours. So each
 * transaction has one here. When it passes the caller hears so at once, and connections that heard nothing since the
 * transaction began are destroyed: a server that lives ends statements by its own timeout, and says so.
 */
async function inTransaction<Result>(
  database: Database,
  userId: string,
  work: (sql: Transaction) => Promise<Result>,
  { timeoutMs = database.timeoutMs }: TransactionOptions = {},
): Promise<Result> {
  const expiry = new AbortController();
  const running: Running = { expired: expiry.signal, ended: Promise.withResolvers(), over: false };
  let heard: Heard | undefined;
  const timer = setTimeout(() => {
    if (heard !== undefined) {
      database.sockets.dropSilentSince(heard);
      void dropUntilEnded(database, running, timeoutMs);
    }
    expiry.abort(databaseUnavailable(new Error(`The transaction took longer than ${timeoutMs} ms.`)));
  }, timeoutMs);
  try {
    const giveBack = await database.slots.take(expiry.signal);
    void running.ended.promise.then(giveBack);
    heard = database.sockets.heard();
    const begun = begin(database, running, { userId, timeoutMs, work });
    const { value } = await Promise.race([begun, rejection(expiry.signal)]);
    return value;
  } catch (error) {
    if (isReadOnly(error)) database.sockets.dropAll();
    throw toDatabaseError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** The connection of a transaction that is over may have gone silent in its middle: then its rollback is not answered. */
async function dropUntilEnded(database: Database, running: Running, timeoutMs: number): Promise<void> {
  while (!running.over) {
    const heard = database.sockets.heard();
    await Promise.race([running.ended.promise, sleep(timeoutMs + 500, undefined, { ref: false })]);
    if (!running.over) database.sockets.dropSilentSince(heard);
  }
}

async function begin<Result>(
  database: Database,
  running: Running,
  transaction: { userId: string; timeoutMs: number; work: (sql: Transaction) => Promise<Result> },
): Promise<{ value: Result }> {
  try {
    return await database.sql.begin(async (driver) => {
      running.expired.throwIfAborted();
      const sql = refuseWhenOver(driver, running);
      // It travels with the first query of the work, which would fail after it if it failed.
      const entered = enter(sql, database.role, transaction);
      try {
        // In a function of its own: what it throws at once must not leave `entered` unwatched.
        const worked = (async () => transaction.work(sql))();
        const done = Promise.all([worked, entered]);
        const [value] = await Promise.race([done, rejection(running.expired)]);
        // Hearing of this value the driver commits: what runs on the connection by now, if it came back for another.
        if (running.over) return await new Promise<never>(() => undefined);
        return { value };
      } catch (error) {
        // Hearing of this error the driver rolls back, which must not be written to a connection that is gone. When
        // that one ends, `begin` rejects by itself.
        if (running.expired.aborted) await Promise.race([running.ended.promise, sleep(closingMs.destroyed)]);
        else if (endsConnection(error)) await Promise.race([running.ended.promise, sleep(closingMs.closed)]);
        if (running.over) return await new Promise<never>(() => undefined);
        throw error;
      }
    });
  } finally {
    running.over = true;
    running.ended.resolve();
  }
}

/** How long until the end of a connection is heard of: after it was destroyed here, and after the server said so. */
const closingMs = { destroyed: 20, closed: 1000 } as const;

/** Supabase's auth.uid() reads the claims or the older claim.sub, whichever it finds. */
async function enter(
  sql: Transaction,
  role: DatabaseRole,
  { userId, timeoutMs }: { userId: string; timeoutMs: number },
): Promise<void> {
  const claims = userId === "" ? "" : JSON.stringify({ sub: userId, role: "authenticated" });
  await sql`select set_config('role', ${role}, true),
    set_config('search_path', 'genq, public, extensions', true),
    set_config('request.jwt.claims', ${claims}, true),
    set_config('request.jwt.claim.sub', ${userId}, true),
    set_config('statement_timeout', ${String(timeoutMs)}, true),
    set_config('idle_in_transaction_session_timeout',
      case when current_setting('genq.ends_silent_clients', true) = 'on' then '0' else ${String(timeoutMs + 5000)} end, true)`;
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * The driver ends the process when a transaction writes to a connection that is gone (postgres 3.4.9, its issue 1208):
 * `begin` rejects at once then, and what the work still asks for is refused here.
 */
function refuseWhenOver(sql: Transaction, running: Running): Transaction {
  return new Proxy(sql, {
    apply: (target, self, args) => {
      if (running.over || running.expired.aborted) {
        throw new AppError("database_unavailable", "The transaction is over.");
      }
      return Reflect.apply(target, self, args);
    },
  });
}
