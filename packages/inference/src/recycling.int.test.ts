import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { withDefaultLimits } from "./limits.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import type { EmbedCall } from "./messages.ts";
import { findModel } from "./model-catalog.ts";
import { createModelHost, type ModelHost } from "./model-host.ts";
import { isAlive, misbehavingChild } from "./testing/mini-inference.ts";
import type { InferenceLimits } from "./types.ts";

/** No files: a process is taken to need 200 MiB until it is loaded. */
const folder = await mkdtemp(join(tmpdir(), "genq-recycling-"));
const mebibyte = 1024 ** 2;
const hosts: ModelHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});
afterAll(() => rm(folder, { recursive: true }));

function open(budgetMebibytes: number, limits: Partial<InferenceLimits>) {
  const host = createModelHost({
    definition: findModel("genq/mini-embedder", "embedding"),
    limits: withDefaultLimits(limits),
    running: { interactive: 4, bulk: 2 },
    memory: createMemoryBudget(budgetMebibytes * mebibyte),
    fetchFiles: () => Promise.resolve(folder),
    onStatus: () => {},
    childMain: misbehavingChild,
  });
  hosts.push(host);
  return host;
}

/** Eight at a time, one after another. Answers with the process that did each, and the most that were alive at a time. */
async function load(host: ModelHost, requests: number) {
  const pids: number[] = [];
  let mostAlive = 0;
  const lane = async () => {
    for (let n = 0; n < requests / 8; n++) {
      const call: EmbedCall = { type: "embed", texts: ["wait 20"], kind: "query", priority: "interactive" };
      pids.push((await host.call(call, { priority: "interactive" })).tokens[0] ?? 0);
      mostAlive = Math.max(mostAlive, new Set(pids.filter(isAlive)).size);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return { pids, mostAlive };
}

test("a process that has done its requests is replaced under load, and no request is lost", async () => {
  const host = open(1000, { recycleAfterRequests: 100 });
  const { pids } = await load(host, 800);
  expect(pids).toHaveLength(800);
  expect(new Set(pids).size).toBeGreaterThan(1);
  await expect.poll(() => [...new Set(pids)].filter(isAlive).length).toBeLessThan(2);
});

test("where there is no memory for two, the old one ends before the next begins", async () => {
  const host = open(201, { recycleAfterRequests: 100 });
  const { pids, mostAlive } = await load(host, 400);
  expect(pids).toHaveLength(400);
  expect(new Set(pids).size).toBeGreaterThan(1);
  expect(mostAlive).toBe(1);
});

test("a process that has grown is replaced, and what it runs meanwhile is done by it", async () => {
  const host = open(4000, { recycleGrowthBytes: 100 * mebibyte, recycleMinLifeMs: 0 });
  const call = (text: string) =>
    host.call({ type: "count", texts: [text] }, { priority: "interactive" }).then(([pid]) => pid);
  const first = await call("wait 1");
  await call("grow");
  const long = call("wait 3000");
  await expect.poll(() => call("wait 1"), { timeout: 40_000 }).not.toBe(first);
  expect(await long).toBe(first);
}, 60_000);
