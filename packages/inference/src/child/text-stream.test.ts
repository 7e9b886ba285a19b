import fc from "fast-check";
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

test("a token that ends one character and begins the next shows the first one only", () => {
  const tokens = [[0xf0], [0x9f], [0x91], [0xa9, 0xe2], [0x80], [0x8d]];
  const deltas: string[] = [];
  const stream = createTextStream(
    (ids) => decode(ids.flatMap((id) => tokens[id] ?? [])),
    [],
    (delta) => deltas.push(delta),
  );
  for (const id of tokens.keys()) stream.push(id);
  expect(deltas).toEqual(["\u{1f469}", "\u200d"]);
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

/** Tokens that are any pieces of a text's bytes. */
const pieces = ["日本語", "👩‍👩‍👧‍👦", "🇯🇵", "é", "e\u0301", "\u200d", "ab", "b", "\n", "𠮷", "\u0000", "###"];
const anyText = fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((parts) => parts.join(""));
const anySplit = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 200, maxLength: 200 });

function runSplit(text: string, lengths: number[], stops: string[]) {
  const bytes = new TextEncoder().encode(text);
  const tokens: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += tokens.at(-1)?.length ?? 1)
    tokens.push(bytes.subarray(at, at + (lengths[tokens.length % lengths.length] ?? 1)));
  const deltas: string[] = [];
  const stream = createTextStream(
    (ids) => new TextDecoder().decode(Buffer.concat(ids.map((id) => tokens[id] ?? new Uint8Array()))),
    stops,
    (delta) => deltas.push(delta),
  );
  const stopped = tokens.some((_, id) => stream.push(id));
  return { text: stream.end(), deltas, stopped };
}

test("however a text is cut into tokens, its characters come whole and all of them come", () => {
  fc.assert(
    fc.property(anyText, anySplit, (text, lengths) => {
      const { text: result, deltas } = runSplit(text, lengths, ["never", "日本人"]);
      expect(result).toBe(text);
      expect(deltas.join("")).toBe(text);
      for (const delta of deltas) expect(delta.isWellFormed() && !delta.includes("\uFFFD")).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("however a text is cut into tokens, it ends before a stop string and shows no part of it", () => {
  const stops = fc.array(fc.constantFrom("本", "👧", "###", "b", "語ab", "\n\n"), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(anyText, anySplit, stops, (text, lengths, stops) => {
      const { text: result, deltas, stopped } = runSplit(text, lengths, stops);
      expect(deltas.join("")).toBe(result);
      expect(stops.some((stop) => result.includes(stop))).toBe(false);
      expect(stopped).toBe(stops.some((stop) => text.includes(stop)));
      const rest = text.slice(result.length);
      expect(
        text.startsWith(result) && (stopped ? stops.some((stop) => rest.startsWith(stop)) : rest === ""),
      ).toBe(true);
    }),
    { numRuns: 300 },
  );
});
