import { expect, test } from "vitest";
import { createTextStream } from "./text-stream.ts";

/** A tokenizer whose tokens are bytes. */
const decode = (ids: number[]) => new TextDecoder().decode(Uint8Array.from(ids));

function run(text: string | number[], stops: string[] = []) {
  const deltas: string[] = [];
  const stream = createTextStream(decode, stops, (delta) => deltas.push(delta));
  const bytes = typeof text === "string" ? [...new TextEncoder().encode(text)] : text;
  const stoppedAt = bytes.findIndex((byte) => stream.push(byte));
  return { text: stream.end(), deltas, stoppedAt };
}

test("deltas are whole characters and add up to the text", () => {
  const text = "日本語 𠮷野家 😀 and plain text, long enough to leave the window of context.";
  const { text: result, deltas } = run(text);
  expect(result).toBe(text);
  expect(deltas.join("")).toBe(text);
  expect(deltas.every((delta) => delta.isWellFormed() && !delta.includes("\uFFFD"))).toBe(true);
});

test("a character that is never completed is left out", () => {
  expect(run([0x61, 0xe6, 0x97]).text).toBe("a");
});

test("bytes that are no text do not hold back what follows", () => {
  expect(run([0xff, 0xff, 0xff, 0xff, 0xff, 0x61, 0x62]).text.endsWith("ab")).toBe(true);
});

test("ends before a stop string and shows no part of it", () => {
  const { text, deltas, stoppedAt } = run("answer###more", ["###"]);
  expect(text).toBe("answer");
  expect(deltas.join("")).toBe("answer");
  expect(stoppedAt).toBe(8);
});

test("gives back what only looked like a stop string, also at the end", () => {
  expect(run("a##b##", ["###"]).text).toBe("a##b##");
  expect(run("aab", ["ab"]).text).toBe("a");
});

test("takes the first of several stop strings, and ignores empty ones", () => {
  expect(run("one two three", ["three", "", "two"]).text).toBe("one ");
});
