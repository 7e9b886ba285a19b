import { AppError } from "@genq/contract";
import postgres from "postgres";

export type Sql = postgres.Sql;
/** Inside a transaction: what every query of this package takes. */
export type Transaction = postgres.TransactionSql;

/** The role that the transactions of a process run as. Both are subject to row level security. */
export type DatabaseRole = "genq_api" | "genq_worker";

export interface Database {
  readonly sql: Sql;
  readonly role: DatabaseRole;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  role: DatabaseRole;
  /** Connections at most. */
  max: number;
  /** False behind a transaction pooler, and on PGlite, where all connections share one session. */
  prepare: boolean;
}

export function openDatabase(options: DatabaseOptions): Database {
  const sql = postgres(options.url, {
    max: options.max,
    prepare: options.prepare,
    connect_timeout: 2,
    idle_timeout: 60,
    // The driver's own pauses between attempts grow to 20 s: longer than a restart of the server takes.
    backoff: (attempts) => Math.min(0.1 * attempts, 1),
    connection: { application_name: options.role },
    onnotice: () => undefined,
  });
  return { sql, role: options.role };
}

export async function closeDatabase(database: Database): Promise<void> {
  await database.sql.end({ timeout: 2 });
}

/**
 * Runs `work` in one transaction that sees the rows of one user: `auth.uid()` is that user, and row level security
 * stands behind each query. Settings are local to the transaction, as poolers and PGlite need.
 */
export function inUserTransaction<Result>(
  database: Database,
  userId: string,
  work: (sql: Transaction) => Promise<Result>,
): Promise<Result> {
  return inTransaction(database, userId, work);
}

/** Runs `work` in one transaction of no user: what the role's own policies show, for claims and sweeps. */
export function inServiceTransaction<Result>(
  database: Database,
  work: (sql: Transaction) => Promise<Result>,
): Promise<Result> {
  return inTransaction(database, "", work);
}

/** Makes a user that signs in nowhere, where a stack runs without authentication. Doing it again changes nothing. */
export async function ensureUser(database: Database, id: string, email: string): Promise<void> {
  await database.sql`insert into auth.users (id, email) values (${id}, ${email}) on conflict do nothing`;
}

async function inTransaction<Result>(
  database: Database,
  userId: string,
  work: (sql: Transaction) => Promise<Result>,
): Promise<Result> {
  const claims = userId === "" ? "" : JSON.stringify({ sub: userId, role: "authenticated" });
  const connection = { lost: false };
  try {
    const result = await database.sql.begin(async (transaction) => {
      const sql = refuseWhenLost(transaction, connection);
      // Supabase's auth.uid() reads the claims or the older claim.sub, whichever it finds. It travels with the first
      // query of the work, which would fail after it if it failed.
      const entered = sql`select set_config('role', ${database.role}, true),
        set_config('search_path', 'genq, public, extensions', true),
        set_config('request.jwt.claims', ${claims}, true),
        set_config('request.jwt.claim.sub', ${userId}, true)`.then(() => undefined);
      try {
        // In a function of its own: what it throws at once must not leave `entered` unwatched.
        const worked = (async () => work(sql))();
        const [value] = await Promise.all([worked, entered]);
        return { value };
      } catch (error) {
        // Without a connection `begin` rejects by itself; hearing of this error the driver would roll back on it.
        if (connection.lost || isUnavailable(error)) return await new Promise<never>(() => undefined);
        throw error;
      }
    });
    return result.value;
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    connection.lost = true;
  }
}

/**
 * The driver ends the process when a transaction writes to a connection that is gone (postgres 3.4.9, its issue 1208):
 * `begin` rejects at once then, and what the work still asks for is refused here.
 */
function refuseWhenLost(sql: Transaction, connection: { readonly lost: boolean }): Transaction {
  return new Proxy(sql, {
    apply: (target, self, args) => {
      if (connection.lost) throw new AppError("database_unavailable", "The transaction is over.");
      return Reflect.apply(target, self, args);
    },
  });
}

/** Error codes that mean that Postgres can't be reached or is going away, not that the query was wrong. */
const unavailableCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "CONNECT_TIMEOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "08000",
  "08003",
  "08006",
  "53300",
  "57P01",
  "57P02",
  "57P03",
]);

function toDatabaseError(error: unknown): unknown {
  if (isUnavailable(error)) {
    return new AppError("database_unavailable", "The database can't be reached. Try again in a moment.", {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  if (errorCode(error) === "23503" && /_user_id_fkey$/.test(constraintName(error))) {
    return new AppError("unauthorized", "The user of this token does not exist any more. Sign in again.", {
      cause: error,
    });
  }
  return error;
}

function isUnavailable(error: unknown): boolean {
  return unavailableCodes.has(errorCode(error) ?? "");
}

function constraintName(error: unknown): string {
  return error instanceof Error && "constraint_name" in error ? String(error.constraint_name) : "";
}

/** The `code` of a driver's error: a SQLSTATE or the name of a connection failure. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
