import { AppError } from "@genq/contract";
import { z } from "zod";
import type { Transaction } from "./database.ts";

/** Where a list goes on: after this row, newest first. Times carry Postgres' microseconds, so they stay text. */
export interface ListPosition {
  /** RFC 3339 in UTC. */
  createdAt: string;
  id: string;
}

// Only what Postgres takes as a time too: a made-up cursor must not become a failed query.
const positionSchema = z.tuple([z.iso.datetime({ precision: 6 }).startsWith("20"), z.uuid()]);

/** A row's `created_at` as a position holds it, whatever the settings of the session. */
export function positionOf(sql: Transaction) {
  return sql`to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

export function encodeCursor(position: ListPosition): string {
  return Buffer.from(JSON.stringify([position.createdAt, position.id])).toString("base64url");
}

/** @throws AppError invalid_request when the cursor is not one that this service made */
export function decodeCursor(cursor: string): ListPosition {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    value = undefined;
  }
  const parsed = positionSchema.safeParse(value);
  if (!parsed.success) {
    throw new AppError(
      "invalid_request",
      "The cursor is not one that this service gave out. Start from the first page.",
      {
        errors: [{ path: "query/cursor", message: "is not a cursor of this list" }],
      },
    );
  }
  return { createdAt: parsed.data[0], id: parsed.data[1] };
}
