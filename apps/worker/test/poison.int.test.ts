import { cancelTask, retryTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { createInference } from "@genq/inference";
import { misbehavingChild } from "@genq/inference/testing";
import { afterAll, expect, it } from "vitest";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const user = await stack.createUser();
const worked = openWorkerStack(stack, memoryStorage());
afterAll(() => worked[Symbol.asyncDispose]());

it("quarantines the task that ends its model's process, and charges its neighbours once at most", async () => {
  const concurrency = { ingest: 1, embed: 4, generate: 1 };
  const worker = worked.start({
    concurrency,
    openInference: (onStatus) =>
      createInference({
        models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
        cacheDir: "unused",
        hubEndpoint: "http://127.0.0.1:9",
        onStatus,
        childMain: misbehavingChild,
      }),
  });
  const submit = (text: string) => worked.submit(user, "embed", { texts: [text], kind: "query" });
  const good: string[] = [];
  // They last longer than the pauses between the attempts of the one that crashes: it never lacks neighbours.
  for (let n = 0; n < 10; n++) good.push(await submit("wait 2500"));
  const poison = await submit("segv");
  for (let n = 0; n < 10; n++) good.push(await submit("wait 2500"));

  const failed = await worked.until(user, poison, "failed", 60_000);
  expect(failed).toMatchObject({
    problem: { code: "poisoned", retryable: false },
    attempt: 3,
    unreportedAttempts: 3,
  });
  const charges = [];
  for (const id of good) charges.push((await worked.until(user, id, "completed", 60_000)).unreportedAttempts);
  expect(Math.max(...charges)).toBe(1);
  // Only the first of the three crashes had neighbours: from then on it ran alone.
  expect(charges.reduce((sum, charge) => sum + charge, 0)).toBeLessThan(concurrency.embed);

  const again = await retryTask(worked.api, user, poison);
  expect(again.task).toMatchObject({ status: "queued", life: 2, unreportedAttempts: 0 });
  await cancelTask(worked.api, user, poison);
  await worker.stop(1000);
}, 120_000);
