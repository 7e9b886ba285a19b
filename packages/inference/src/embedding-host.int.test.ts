import { afterEach, expect, test } from "vitest";
import { createEmbeddingHost } from "./embedding-host.ts";
import { withDefaultLimits } from "./limits.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import type { EmbedCall } from "./messages.ts";
import { findModel } from "./model-catalog.ts";
import type { ModelHost } from "./model-host.ts";
import { misbehavingChild } from "./testing/mini-inference.ts";
import type { Tuning } from "./tuning.ts";
import type { InferenceLimits } from "./types.ts";

const hosts: ModelHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

/** The child answers each share of a request with its process as the first number of tokens. */
function open(limits: Partial<InferenceLimits>, memoryBytes = 4 * 1024 ** 3, tuning?: Tuning) {
  const host = createEmbeddingHost({
    definition: findModel("genq/mini-embedder", "embedding"),
    limits: withDefaultLimits({ maxRssBytes: 300 * 1024 ** 2, ...limits }),
    running: { interactive: 16, bulk: 2 },
    fetchFiles: () => Promise.resolve(import.meta.dirname),
    onStatus: () => {},
    tuning,
    memory: createMemoryBudget(memoryBytes),
    childMain: misbehavingChild,
  });
  hosts.push(host);
  return async (text: string, priority: "interactive" | "bulk") => {
    const call: EmbedCall = { type: "embed", texts: [text], kind: "passage", priority };
    return (await host.call(call, { priority })).tokens[0];
  };
}

test("bulk work has processes of its own: what becomes of them is nothing to a query", async () => {
  const embed = open({ bulkProcesses: 2 });
  const front = await embed("wait 1", "interactive");
  const query = embed("wait 500", "interactive");
  const bulk = await Promise.all([embed("wait 300", "bulk"), embed("wait 300", "bulk")]);
  expect(new Set([front, ...bulk]).size).toBe(3);
  await expect(embed("segv", "bulk")).rejects.toMatchObject({ code: "model_crashed", processDied: true });
  expect(await query).toBe(front);
  expect(await embed("wait 1", "bulk")).not.toBe(front);
});

test("without room for more than one process it does all", async () => {
  const embed = open({ bulkProcesses: 2 }, 220 * 1024 ** 2);
  expect(await embed("wait 1", "bulk")).toBe(await embed("wait 1", "interactive"));
});

test("has as many processes for bulk work as were measured to be best, unless told", async () => {
  const tuning = { bulkProcesses: 1, threadsPerBulkProcess: 1, tokensPerRun: 256 };
  const tuned = open({}, undefined, tuning);
  expect(await tuned("wait 1", "bulk")).not.toBe(await tuned("wait 1", "interactive"));
  const told = open({ bulkProcesses: 0 }, undefined, tuning);
  expect(await told("wait 1", "bulk")).toBe(await told("wait 1", "interactive"));
});
