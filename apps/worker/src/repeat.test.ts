import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { repeat } from "./repeat.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("runs at once, then about every so often", async () => {
  const round = vi.fn(async () => undefined);
  const repetition = repeat(1000, round);
  await vi.advanceTimersByTimeAsync(0);
  expect(round).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1250);
  expect(round).toHaveBeenCalledTimes(2);
  await repetition.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(round).toHaveBeenCalledTimes(2);
});

it("never runs twice at once, and runs again for who asked meanwhile", async () => {
  let release = () => {};
  const round = vi.fn(() => new Promise<void>((resolve) => (release = resolve)));
  const repetition = repeat(1000, round);
  await vi.advanceTimersByTimeAsync(0);
  repetition.soon();
  await vi.advanceTimersByTimeAsync(5000);
  expect(round).toHaveBeenCalledTimes(1);
  release();
  await vi.advanceTimersByTimeAsync(0);
  expect(round).toHaveBeenCalledTimes(2);
  release();
  await repetition.stop();
});

it("waits longer and longer after rounds that fail, at random, and no longer once one succeeds", async () => {
  let fails = true;
  const at: number[] = [];
  const repetition = repeat(1000, () => {
    at.push(performance.now());
    return fails ? Promise.reject(new Error("away")) : Promise.resolve();
  });
  await vi.advanceTimersByTimeAsync(180_000);
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  const steps = [2000, 4000, 8000, 8000, 8000, 8000];
  for (const [index, step] of steps.entries()) {
    expect(pauses[index]).toBeGreaterThanOrEqual(step / 2);
    expect(pauses[index]).toBeLessThanOrEqual(step);
  }
  expect(new Set(pauses.slice(4).map(Math.round)).size).toBeGreaterThan(1);
  fails = false;
  await vi.advanceTimersByTimeAsync(8000);
  const before = at.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(at.length - before).toBeGreaterThanOrEqual(7);
  await repetition.stop();
});
