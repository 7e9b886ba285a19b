import type { Inference, ModelStatus } from "@genq/inference";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { progressLine, startModels } from "./models.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const base = { id: "a/b", task: "embedding", source: "hub", pinned: true } as const;

/** Models whose load ends as the test says. */
function controlled() {
  const loads: PromiseWithResolvers<void>[] = [];
  let tell: (status: ModelStatus) => void = () => {};
  const inference: Partial<Inference> = {
    load: () => {
      const load = Promise.withResolvers<void>();
      loads.push(load);
      return load.promise;
    },
    close: () => Promise.resolve(),
  };
  const models = startModels({
    openInference: (onStatus) => {
      tell = onStatus;
      // Loading needs no more of it.
      return inference as Inference;
    },
    onStatus: () => {},
  });
  return { models, loads, tell: (status: ModelStatus) => tell(status) };
}

it("loads again after a failure, later each time, and again when a ready model ends", async () => {
  const { models, loads, tell } = controlled();
  loads[0]?.reject(new Error("no hub"));
  await vi.advanceTimersByTimeAsync(1000);
  expect(loads).toHaveLength(2);
  loads[1]?.reject(new Error("no hub"));
  await vi.advanceTimersByTimeAsync(900);
  expect(loads).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1100);
  expect(loads).toHaveLength(3);
  tell({ ...base, state: "ready" });
  await models.ready("embedding");
  loads[2]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  tell({ ...base, state: "failed", error: "killed" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(loads).toHaveLength(4);
  await models.stop();
  loads[3]?.reject(new Error("closed"));
  await vi.advanceTimersByTimeAsync(100_000);
  expect(loads).toHaveLength(4);
});

it("tells progress in one line of JSON", () => {
  const progress = { loadedBytes: 1, totalBytes: 10, bytesPerSecond: 5 };
  expect(JSON.parse(progressLine({ ...base, state: "downloading", progress }))).toEqual({
    event: "model_progress",
    model: "a/b",
    task: "embedding",
    state: "downloading",
    loaded_bytes: 1,
    total_bytes: 10,
    bytes_per_second: 5,
  });
});
