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
