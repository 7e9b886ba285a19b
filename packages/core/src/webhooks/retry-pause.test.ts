import { expect, it } from "vitest";
import { retryPauseSeconds } from "./retry-pause.ts";

it("grows over three days, then ends", () => {
  const pauses = Array.from({ length: 11 }, (_, index) => retryPauseSeconds(index + 1, null, () => 0.5));
  const given = pauses.filter((pause) => pause !== undefined);
  expect(given).toHaveLength(10);
  expect([...given].sort((a, b) => a - b)).toEqual(given);
  expect(given.reduce((sum, pause) => sum + pause) / 3600).toBeCloseTo(71.6, 1);
});

it("differs from one to the next, a fifth more or less", () => {
  expect(retryPauseSeconds(2, null, () => 0)).toBeCloseTo(48);
  expect(retryPauseSeconds(2, null, () => 1)).toBeCloseTo(72);
});

it("is never shorter than the receiver asks, within a day", () => {
  expect(retryPauseSeconds(1, 100, () => 0.5)).toBe(100);
  expect(retryPauseSeconds(5, 100, () => 0.5)).toBe(7200);
  expect(retryPauseSeconds(1, 10 ** 9, () => 0.5)).toBe(86_400);
});
