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

test("a short line alone before a paragraph is a heading; in a list of such lines none is", () => {
  const headings = (text: string) =>
    sentences(text).filter((_, index) => segmentText(text)[index]?.isHeading);
  expect(headings("Before.\n\n第二話　雪を貯める氷室\n\n町の北にあります。")).toEqual([
    "第二話　雪を貯める氷室",
  ]);
  expect(headings("Apples\n\nPears\n\nPlums")).toEqual([]);
  expect(headings("a: 1; b: 2\n\nThat was a row of a table.")).toEqual([]);
});

test.each([
  ["spaces", " "],
  ["dots", "."],
  ["marks", "?!"],
  ["line ends", "\n"],
  ["ideographic marks", "。"],
  ["quotes", '."'],
])("a million %s take linear time", (_name, unit) => {
  const startedAt = process.threadCpuUsage();
  segmentText(`a${unit.repeat(1_000_000 / unit.length)}b`);
  expect(process.threadCpuUsage(startedAt).user / 1000).toBeLessThan(2000);
});
