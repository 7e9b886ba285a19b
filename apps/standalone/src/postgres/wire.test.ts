import { expect, test } from "vitest";
import { FrameReader, frame, startupParameters } from "./wire.ts";

test("messages are cut out of any chunks", () => {
  const reader = new FrameReader();
  const bytes = Buffer.concat([frame("Q", "select 1\0"), frame("S"), frame("d", Buffer.alloc(10_000, 7))]);
  const types: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += 3) {
    reader.push(bytes.subarray(offset, offset + 3));
    for (let next = reader.next(); next; next = reader.next()) {
      types.push(`${next.type}${next.bytes.length}`);
    }
  }
  expect(types).toEqual(["Q14", "S5", "d10005"]);
});

test("a length that can't be is refused", () => {
  const reader = new FrameReader();
  reader.push(Buffer.from([0x51, 0, 0, 0, 1]));
  expect(() => reader.next()).toThrow("malformed");
});

test("start-up options are settings like the others", () => {
  const version = Buffer.from([0, 3, 0, 0]);
  const text =
    'user\0postgres\0TimeZone\0UTC\0options\0-c search_path="my\\ schema" --statement-timeout=5 -cwork_mem=4MB\0\0';
  expect([...startupParameters(frame("", version, text))]).toEqual([
    ["user", "postgres"],
    ["timezone", "UTC"],
    ["search_path", '"my schema"'],
    ["statement_timeout", "5"],
    ["work_mem", "4MB"],
  ]);
});
