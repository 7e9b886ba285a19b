import { expect, test } from "vitest";
import { segmentText } from "./sentence-breaks.ts";

const sentences = (text: string) => segmentText(text).map(({ start, end }) => text.slice(start, end));

test.each([
  [
    "Mr. Smith paid 3.50 USD, e.g. for tea. Then he left.",
    ["Mr. Smith paid 3.50 USD, e.g. for tea.", "Then he left."],
  ],
  ['He said "No!" Then "Why?" (Really.) Done', ['He said "No!"', 'Then "Why?"', "(Really.)", "Done"]],
  ["「はい。」と言った。次です！？終わり", ["「はい。」", "と言った。", "次です！？", "終わり"]],
  ["1. First\n2. Second", ["1. First", "2. Second"]],
  ["J. R. Doe wrote it... and more. New", ["J. R. Doe wrote it... and more.", "New"]],
  ["幅は３．５メートルです。", ["幅は３．５メートルです。"]],
])("%j", (text, expected) => {
  expect(sentences(text)).toEqual(expected);
});

test("what lies before a segment is ranked", () => {
  expect(segmentText("# A\n\nBee. Cee\nD\n\nE").map(({ rank, isHeading }) => [rank, isHeading])).toEqual([
    [4, true],
    [3, false],
    [2, false],
    [1, false],
    [3, false],
  ]);
});

test.each([
  ["spaces", " "],
  ["dots", "."],
  ["marks", "?!"],
  ["line ends", "\n"],
  ["ideographic marks", "。"],
  ["quotes", '."'],
])("a million %s take linear time", (_name, unit) => {
  const startedAt = performance.now();
  segmentText(`a${unit.repeat(1_000_000 / unit.length)}b`);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});
