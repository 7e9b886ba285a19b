import { expect, it } from "vitest";
import { readPrefer } from "./prefer.ts";

it.each<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ["", undefined],
  ["wait=10", 10],
  ["WAIT = 10", 10],
  ['respond-async, wait="5"', 5],
  ["respond-async", 0],
  ["wait=0", 0],
  ["wait=999", 60],
  ["wait=-1", undefined],
  ["wait=1e9", undefined],
  ["wait=soon; x=y, return=minimal", undefined],
  ["return=minimal; x=1, wait=7; y=2", 7],
])("reads %j as %j", (header, seconds) => {
  expect(readPrefer(header).waitSeconds).toBe(seconds);
});
