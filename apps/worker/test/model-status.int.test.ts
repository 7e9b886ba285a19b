import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readServiceState } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { createInference } from "@genq/inference";
import { startHubServer } from "@genq/inference/testing/hub-server";
import { afterAll, expect, it } from "vitest";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const worked = openWorkerStack(stack, memoryStorage());
const hub = await startHubServer();
const cacheDir = await mkdtemp(join(tmpdir(), "genq-models-"));
afterAll(async () => {
  await worked[Symbol.asyncDispose]();
  await hub.close();
  await rm(cacheDir, { recursive: true });
});

it("tells the api how far a model's download is, and how many texts a ready one continues", async () => {
  hub.stallAfterBytes = 500_000;
  const models = { embedding: "Xenova/multilingual-e5-small", generation: "genq/mini-generator" };
  worked.start({
    openInference: (onStatus) => createInference({ models, cacheDir, hubEndpoint: hub.url, onStatus }),
  });
  const told = async () => (await readServiceState(worked.api.database)).workers[0]?.models;
  await expect.poll(told, { timeout: 40_000 }).toMatchObject([
    { state: "downloading", progress: { loaded_bytes: expect.any(Number) }, batching: null },
    { state: "ready", progress: null, batching: "continuous" },
  ]);
  await expect.poll(async () => (await told())?.[0]?.progress?.loaded_bytes).toBeGreaterThanOrEqual(500_000);
  const { loaded_bytes: loaded, total_bytes: total } = (await told())?.[0]?.progress ?? {};
  expect(loaded).toBeLessThan(total ?? 0);
});
