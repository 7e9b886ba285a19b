import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { shareAnswer } from "./share-answer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks once for those who ask together, and again later", async () => {
  let asked = 0;
  const ask = shareAnswer(1000, () => Promise.resolve(++asked));
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  await vi.advanceTimersByTimeAsync(999);
  expect(await ask()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await ask()).toBe(2);
});

it("shares a failure too, and for no longer", async () => {
  let asked = 0;
  const ask = shareAnswer(1000, () => Promise.reject(new Error(String(++asked))));
  await expect(ask()).rejects.toThrow("1");
  await expect(ask()).rejects.toThrow("1");
  await vi.advanceTimersByTimeAsync(1000);
  await expect(ask()).rejects.toThrow("2");
});
