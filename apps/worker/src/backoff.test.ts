import { expect, it } from "vitest";
import { delayAfter } from "./backoff.ts";

const backoff = { baseMs: 1000, factor: 4, maxMs: 10_000 };

it("grows by its factor up to its bound", () => {
  expect([1, 2, 3, 9].map((failures) => delayAfter(failures, backoff, () => 1))).toEqual([
    1000, 4000, 10_000, 10_000,
  ]);
});

it("scatters from half of a step to all of it", () => {
  expect(delayAfter(2, backoff, () => 0)).toBe(2000);
  expect(delayAfter(2, backoff, () => 0.5)).toBe(3000);
});
