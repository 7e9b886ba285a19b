import { expect, test } from "vitest";
import { parseRetryAfter, pause, retryDelayMs } from "./retry.ts";

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  expect(parseRetryAfter(null)).toBeUndefined();
  expect(parseRetryAfter("12")).toBe(12);
  expect(parseRetryAfter("Fri, 02 Jan 2026 03:04:15 GMT", now)).toBe(10);
  expect(parseRetryAfter("Fri, 02 Jan 2026 03:04:01 GMT", now)).toBe(0);
  expect(parseRetryAfter("soon")).toBeUndefined();
});

test("delays grow to a limit and heed the server", () => {
  for (let attempt = 0; attempt < 20; attempt++) {
    const delay = retryDelayMs(attempt, undefined);
    expect(delay).toBeGreaterThanOrEqual(Math.min(10_000, 400 * 2 ** attempt) / 2);
    expect(delay).toBeLessThanOrEqual(10_000);
  }
  expect(retryDelayMs(0, 5)).toBe(5000);
});

test("a pause ends with the signal", async () => {
  const reason = new Error("enough");
  await expect(pause(10_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 10);
  await expect(pause(10_000, controller.signal)).rejects.toBe(reason);
});
