import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { withDefaultLimits } from "./limits.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import type { EmbedCall } from "./messages.ts";
import { findModel } from "./model-catalog.ts";
import { createModelPool, type ModelPool } from "./model-pool.ts";
import { isAlive, misbehavingChild } from "./testing/mini-inference.ts";

/** No files: each process is taken to need 200 MiB until it is loaded, and takes between 50 and 100 then. */
const folder = await mkdtemp(join(tmpdir(), "genq-pool-"));
const mebibyte = 1024 ** 2;
const [pinned, a, b, c] = [
  "genq/mini-embedder",
  "Xenova/bge-small-en-v1.5",
  "Xenova/all-MiniLM-L6-v2",
  "Xenova/multilingual-e5-base",
];

const pools: ModelPool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});
afterAll(() => rm(folder, { recursive: true }));

function open(budgetMebibytes: number, pins: string[] = []) {
  const pool = createModelPool({
    find: findModel,
    pinned: pins.map((id) => findModel(id)),
    limits: withDefaultLimits({ bulkProcesses: 0 }),
    memory: createMemoryBudget(budgetMebibytes * mebibyte, 1500),
    fetchFiles: () => Promise.resolve(folder),
    onStatus: () => {},
    childMain: misbehavingChild,
  });
  pools.push(pool);
  /** Answers with the process that did it. */
  const embed = async (id: string, text = "wait 1") => {
    const call: EmbedCall = { type: "embed", texts: [text], kind: "query", priority: "interactive" };
    return (await pool.host(id).call(call, { priority: "interactive" })).tokens[0] ?? 0;
  };
  const states = () => Object.fromEntries(pool.statuses().map(({ id, state }) => [id, state]));
  return { pool, embed, states };
}

test("the least recently used model makes room, ends its process, and comes back when it is asked for", async () => {
  const { pool, embed, states } = open(300);
  const first = await embed(a);
  const second = await embed(b);
  expect(await embed(c)).not.toBe(first);
  expect(states()).toEqual({ [a]: "unloaded", [b]: "ready", [c]: "ready" });
  expect([first, second].map(isAlive)).toEqual([false, true]);
  expect(pool.statuses()[1]).toMatchObject({ pinned: false, lastUsedAt: expect.any(Number) });
  expect(await embed(a)).not.toBe(first);
  expect(states()).toMatchObject({ [a]: "ready", [b]: "unloaded" });
});

test("a pinned model stays, and one at work is waited for", async () => {
  const { pool, embed, states } = open(300, [pinned]);
  await pool.load();
  const pid = await embed(pinned);
  await embed(a);
  const working = embed(a, "wait 900");
  const waiting = embed(b);
  expect(states()).toMatchObject({ [a]: "ready" });
  await working;
  await waiting;
  expect(states()).toEqual({ [pinned]: "ready", [a]: "unloaded", [b]: "ready" });
  expect(await embed(pinned)).toBe(pid);
});

test("what finds no room is refused: retryably while others work, for good when it can never be", async () => {
  const { embed } = open(300);
  await embed(a);
  const [pidOfB, working] = [await embed(b), [embed(a, "wait 4000"), embed(b, "wait 4000")]];
  await expect(embed(c)).rejects.toMatchObject({ code: "overloaded" });
  await Promise.all(working);
  expect(await embed(b)).toBe(pidOfB);
  await expect(open(150).embed(a)).rejects.toMatchObject({ code: "model_too_large" });
});
