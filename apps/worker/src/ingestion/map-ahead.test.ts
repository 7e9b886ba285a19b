import { expect, it } from "vitest";
import { mapAhead } from "./map-ahead.ts";

async function* numbers(count: number, closed: () => void = () => {}) {
  try {
    for (let number = 1; number <= count; number++) yield await Promise.resolve(number);
  } finally {
    closed();
  }
}

it("keeps the order and works on no more than it may", async () => {
  let working = 0;
  let most = 0;
  const results: number[] = [];
  const doubled = mapAhead(numbers(6), 2, async (number) => {
    most = Math.max(most, ++working);
    await new Promise((resolve) => setTimeout(resolve, 20 - number * 3));
    working--;
    return number * 2;
  });
  for await (const result of doubled) results.push(result);
  expect(results).toEqual([2, 4, 6, 8, 10, 12]);
  expect(most).toBeLessThanOrEqual(3);
  expect(most).toBeGreaterThan(1);
});

it("closes its source when one fails, and when the consumer stops", async () => {
  const run = async (map: (number: number) => Promise<number>, take: number) => {
    let closed = false;
    const results: number[] = [];
    try {
      for await (const result of mapAhead(
        numbers(9, () => (closed = true)),
        2,
        map,
      )) {
        results.push(result);
        if (results.length === take) break;
      }
    } catch (error) {
      return { closed, results, error };
    }
    return { closed, results };
  };
  const failure = new Error("three");
  const failing = (number: number) => (number === 3 ? Promise.reject(failure) : Promise.resolve(number));
  expect(await run(failing, 9)).toEqual({ closed: true, results: [1, 2], error: failure });
  expect(await run((number) => Promise.resolve(number), 2)).toEqual({ closed: true, results: [1, 2] });
});
