import { expect, test } from "vitest";
import { createRowQueue, type QueuedRow, type Row } from "./row-queue.ts";
import { noProgress } from "./yield-to-events.ts";

function open(tokensPerRun: number) {
  const runs: number[][] = [];
  const run = (rows: readonly Row[]) => {
    runs.push(rows.map(({ ids }) => ids.length));
    return Promise.resolve(rows.map(({ ids }) => ids[0] ?? 0));
  };
  return { runs, queue: createRowQueue(run, tokensPerRun, noProgress()) };
}
const item = (
  length: number,
  priority: QueuedRow["priority"] = "bulk",
  signal = new AbortController().signal,
) => ({
  ids: new Array<number>(length).fill(length),
  priority,
  signal,
});

test("batches texts of like length within the budget, and answers in order", async () => {
  const { runs, queue } = open(20);
  const outputs = await queue.add([item(9), item(2), item(30), item(8), item(3)]);
  expect(outputs).toEqual([9, 2, 30, 8, 3]);
  expect(runs).toEqual([[2, 3], [8, 9], [30]]);
});

test("runs each text alone without a budget", async () => {
  const { runs, queue } = open(0);
  await queue.add([item(2), item(2)]);
  expect(runs).toEqual([[2], [2]]);
});

test("interactive texts go between two batches of a bulk request", async () => {
  const { runs, queue } = open(10);
  await Promise.all([queue.add([item(9), item(9), item(9)]), queue.add([item(4, "interactive")])]);
  expect(runs).toEqual([[9], [4], [9], [9]]);
});

test("aborted texts are not run", async () => {
  const { runs, queue } = open(10);
  const controller = new AbortController();
  const first = queue.add([item(9)]);
  const long = queue.add([item(10)]);
  const second = queue.add([item(8, "bulk", controller.signal)]);
  controller.abort();
  await expect(second).rejects.toThrow();
  await Promise.all([first, long]);
  expect(runs).toEqual([[9], [10]]);
});
