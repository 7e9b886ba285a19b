import { AppError } from "@genq/contract";
import { z } from "zod";

/** Where a list goes on: after this row, newest first. Times carry Postgres' microseconds, so they stay text. */
export interface ListPosition {
  createdAt: string;
  id: string;
}

const positionSchema = z.tuple([z.string().regex(/^[\d:. +TZ-]{10,40}$/), z.uuid()]);

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
