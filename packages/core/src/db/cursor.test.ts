import { expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";

it("goes there and back", () => {
  const position = { createdAt: "2026-11-21T09:07:29.818123Z", id: "8d6aa31e-6f1c-4d5e-9c07-2b1f4a8f6f3a" };
  expect(decodeCursor(encodeCursor(position))).toEqual(position);
});

const id = "8d6aa31e-6f1c-4d5e-9c07-2b1f4a8f6f3a";
it.each([
  "",
  "x",
  "W10",
  "bnVsbA",
  encodeCursor({ createdAt: "'; drop table tasks", id: "x" }),
  // Postgres takes none of these as a time.
  encodeCursor({ createdAt: "99:99:99:99:99", id }),
  encodeCursor({ createdAt: "2026-02-31T00:00:00.000000Z", id }),
])("refuses %j", (cursor) => {
  expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});
