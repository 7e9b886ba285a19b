import { cancelTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import type { Inference } from "@genq/inference";
import { createMiniInference, isAlive, modelPid } from "@genq/inference/testing";
import { afterAll, afterEach, expect, it, vi } from "vitest";
import type { Worker } from "../src/worker.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(1000)));
});
afterAll(() => worked[Symbol.asyncDispose]());

const cancels = 20;
const boundMs = 2000;

/** Generations that would go on until their context is full, for no sentence ends in noise. `onFirstText` of each. */
function endless(onFirstText: () => void) {
  return (onStatus: Parameters<typeof createMiniInference>[1]): Inference => {
    const inference = createMiniInference({}, onStatus);
    return {
      ...inference,
      generateStream: (request) => {
        const stream = inference.generateStream({ ...request, temperature: 100, topK: 0, topP: 1 });
        async function* read() {
          let begun = false;
          for await (const delta of stream) {
            if (!begun) onFirstText();
            begun = true;
            yield delta;
          }
        }
        const text = read();
        return { result: stream.result, [Symbol.asyncIterator]: () => text };
      },
    };
  };
}
const submit = () => worked.submit(user, "generate", { text: "Go on for long.", max_new_tokens: 2048 });

it("frees the model for the next generation within two seconds of a cancellation", async () => {
  let told = Promise.withResolvers<void>();
  workers.push(worked.start({ openInference: endless(() => told.resolve()) }));
  let running = await submit();
  await told.promise;
  const took: number[] = [];
  for (let n = 0; n < cancels; n++) {
    const waiting = await submit();
    told = Promise.withResolvers();
    const canceledAt = performance.now();
    await cancelTask(worked.api, user, running);
    await told.promise;
    took.push(performance.now() - canceledAt);
    expect(await worked.until(user, running, "canceled")).toMatchObject({ result: null, attempt: 1 });
    running = waiting;
  }
  await cancelTask(worked.api, user, running);
  expect(Math.max(...took)).toBeLessThan(boundMs);
}, 90_000);

it("ends a model's process that a cancellation does not stop", async () => {
  const told = Promise.withResolvers<void>();
  workers.push(worked.start({ openInference: endless(() => told.resolve()) }));
  const id = await submit();
  await told.promise;
  const pid = modelPid("genq/mini-generator");
  process.kill(pid, "SIGSTOP");
  const canceledAt = performance.now();
  await cancelTask(worked.api, user, id);
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000, interval: 20 });
  expect(performance.now() - canceledAt).toBeLessThan(boundMs);
  const next = await worked.submit(user, "generate", { text: "Say it.", max_new_tokens: 4 });
  expect(await worked.until(user, next, "completed")).toMatchObject({ attempt: 1 });
});
