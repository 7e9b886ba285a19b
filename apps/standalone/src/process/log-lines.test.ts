import { expect, test } from "vitest";
import { LineReader, readLogLine } from "./log-lines.ts";

test("lines are cut where they end, whatever the chunks, also inside a character", () => {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (const byte of Buffer.from("eins\nzwei 日本\nrest")) {
    reader.push(Buffer.from([byte]));
  }
  expect(lines).toEqual(["eins", "zwei 日本"]);
});

test("a line's meaning for the screen", () => {
  expect(
    readLogLine('{"event":"model_progress","model":"m","state":"loading","loaded_bytes":null}'),
  ).toMatchObject({
    kind: "progress",
  });
  expect(readLogLine('{"level":50,"msg":"failed","err":{"message":"no disk"}}')).toEqual({
    kind: "warning",
    text: "failed: no disk",
  });
  expect(readLogLine('{"level":30,"msg":"request"}')).toEqual({ kind: "other" });
  expect(readLogLine("{broken")).toEqual({ kind: "other" });
  expect(readLogLine("plain text")).toEqual({ kind: "other" });
});
