import { afterEach, expect, test, vi } from "vitest";
import { withDefaultLimits } from "./limits.ts";
import type { EmbedCall } from "./messages.ts";
import { findModel } from "./model-catalog.ts";
import { createModelHost, type ModelHost } from "./model-host.ts";
import { isAlive, misbehavingChild } from "./testing/mini-inference.ts";
import type { InferenceLimits } from "./types.ts";

/** Against a child that goes wrong on demand: its thread of beats and its parent are the real ones. */
const childMain = misbehavingChild;
const limits = { silenceMs: 1500, stepDeadlineMs: 1500, tokenDeadlineMs: 10, maxRssBytes: 300 * 1024 ** 2 };

const hosts: ModelHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

function open(more: Partial<InferenceLimits> = {}) {
  const host = createModelHost({
    definition: findModel("genq/mini-embedder", "embedding"),
    limits: withDefaultLimits({ ...limits, ...more }),
    running: { interactive: 16, bulk: 2 },
    fetchFiles: () => Promise.resolve(import.meta.dirname),
    onStatus: () => {},
    childMain,
  });
  hosts.push(host);
  /** Answers with the process that did it. */
  const embed = async (text: string, options: { signal?: AbortSignal; alone?: boolean } = {}) => {
    const call: EmbedCall = { type: "embed", texts: [text], kind: "query", priority: "interactive" };
    return (await host.call(call, { priority: "interactive", ...options })).tokens[0] ?? 0;
  };
  return { host, embed };
}

test.each([
  ["spins", "spin", "inference_timeout"],
  ["does not come back from a model run", "run forever", "inference_timeout"],
  ["is stopped", "stop", "inference_timeout"],
  ["crashes", "segv", "model_crashed"],
  ["eats memory", "eat", "model_crashed"],
])("a child that %s is replaced, and blames the requests in it", async (_, text, code) => {
  const { host, embed } = open();
  const pid = await embed("wait 1");
  const neighbour = embed("wait 60000");
  const begunAt = performance.now();
  const outcomes = await Promise.allSettled([embed(text), neighbour]);
  expect(performance.now() - begunAt).toBeLessThan(8000);
  expect(outcomes).toMatchObject([
    { reason: { code, processDied: true } },
    { reason: { code, processDied: true } },
  ]);
  expect(isAlive(pid)).toBe(false);
  expect(host.status().state).toBe("failed");
  expect(await embed("wait 1")).not.toBe(pid);
});

test("a child that is stopped while it has nothing to do is replaced too", async () => {
  const { embed } = open();
  const pid = await embed("wait 1");
  process.kill(pid, "SIGSTOP");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 4000);
  expect(await embed("wait 1")).not.toBe(pid);
});

test("a request has an end, whatever its progress", async () => {
  const { embed } = open({ requestDeadlineMs: 500 });
  const pid = await embed("wait 1");
  await expect(embed("wait 60000")).rejects.toMatchObject({ code: "inference_timeout", processDied: false });
  expect(await embed("wait 1")).toBe(pid);
  await expect(embed("deaf")).rejects.toMatchObject({ code: "inference_timeout", processDied: true });
  expect(await embed("wait 1")).not.toBe(pid);
});

test("an aborted request ends at once, and its process with it when it does not stop", async () => {
  const { embed } = open();
  const pid = await embed("wait 1");
  const controller = new AbortController();
  const deaf = embed("deaf", { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await expect(deaf).rejects.toMatchObject({ code: "aborted" });
  const abortedAt = performance.now();
  // What runs beside it is let finish, and what only counts is asked again.
  expect(await embed("wait 900")).toBe(pid);
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 1500);
  expect(performance.now() - abortedAt).toBeLessThan(2000);
  expect(await embed("wait 1")).not.toBe(pid);
});

test("counting tokens beside a request that does not stop is done by the next process", async () => {
  const { host, embed } = open({ stepDeadlineMs: 10_000 });
  const pid = await embed("wait 1");
  const controller = new AbortController();
  const deaf = embed("deaf", { signal: controller.signal });
  const counting = host.call({ type: "count", texts: ["wait 2500"] }, { priority: "interactive" });
  setTimeout(() => controller.abort(), 100);
  await expect(deaf).rejects.toMatchObject({ code: "aborted" });
  expect(await counting).not.toEqual([pid]);
});

test("a request that must be alone is: a crash in it is nobody else's", async () => {
  const { embed } = open();
  await embed("wait 1");
  const before = embed("wait 300");
  const alone = embed("segv", { alone: true });
  const after = [embed("wait 10"), embed("wait 10")];
  await expect(alone).rejects.toMatchObject({ code: "model_crashed", processDied: true });
  const pids = await Promise.all([before, ...after]);
  expect(pids[0]).not.toBe(pids[1]);
  expect(pids[1]).toBe(pids[2]);
});
