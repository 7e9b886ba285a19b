import { AppError } from "@genq/contract";

/** Failures of the connection, as the system and the driver name them. */
const connectionFailures = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "CONNECT_TIMEOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
]);

/** After these SQLSTATEs the server closes the connection: going down, or tired of a session. */
const closingStates = /^(08|57P0|25P0[34])/;

/** The server answers and can't do it now: read-only after a failover, out of a resource, past a timeout, a lock. */
const unableStates = /^(53|25006|57014|55P03)/;

/** Means that the server is only read from: a standby, or the old primary after a failover. */
export function isReadOnly(error: unknown): boolean {
  return errorCode(error) === "25006";
}

/** Whether the connection is gone with this error, or goes at once. */
export function endsConnection(error: unknown): boolean {
  const code = errorCode(error) ?? "";
  return connectionFailures.has(code) || closingStates.test(code);
}

/** The error as the rest of genq knows it: an AppError where it says that the database is away, or the user gone. */
export function toDatabaseError(error: unknown): unknown {
  if (endsConnection(error) || unableStates.test(errorCode(error) ?? "")) return databaseUnavailable(error);
  if (errorCode(error) === "23503" && /_user_id_fkey$/.test(constraintName(error))) {
    return new AppError("unauthorized", "The user of this token does not exist any more. Sign in again.", {
      cause: error,
    });
  }
  return error;
}

export function databaseUnavailable(cause?: unknown): AppError {
  return new AppError("database_unavailable", "The database can't be reached. Try again in a moment.", {
    cause,
    retryAfterSeconds: 5,
  });
}

function constraintName(error: unknown): string {
  return error instanceof Error && "constraint_name" in error ? String(error.constraint_name) : "";
}

/** The `code` of a driver's error: a SQLSTATE or the name of a connection failure. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
