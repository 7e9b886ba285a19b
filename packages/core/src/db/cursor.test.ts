import { expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";

it("goes there and back", () => {
  const position = { createdAt: "2026-11-21 09:07:29.818123+00", id: "8d6aa31e-6f1c-4d5e-9c07-2b1f4a8f6f3a" };
  expect(decodeCursor(encodeCursor(position))).toEqual(position);
});

it.each(["", "x", "W10", "bnVsbA", Buffer.from(`["'; drop table tasks","x"]`).toString("base64url")])(
  "refuses %j",
  (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  },
);
