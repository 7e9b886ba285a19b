import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { createMemoryBudget, type Tenant } from "./memory-budget.ts";

interface Fake {
  bytes?: number;
  pinned?: boolean;
  idle?: boolean;
  lastUsedAt?: number;
}

/** A budget of 100 bytes with models that end at once when they are unloaded. */
function open(longestWaitMs = 5000) {
  const budget = createMemoryBudget(100, longestWaitMs);
  const unloaded: string[] = [];
  const { signal } = new AbortController();
  const enter = async (id: string, fake: Fake = {}, optional = false) => {
    let leave = () => {};
    const state = { bytes: 40, pinned: false, idle: true, lastUsedAt: 0, ...fake };
    const tenant: Tenant = {
      id,
      pinned: state.pinned,
      bytes: () => state.bytes,
      lastUsedAt: () => state.lastUsedAt,
      isIdle: () => state.idle,
      unload: async () => {
        unloaded.push(id);
        await setImmediate();
        leave();
      },
    };
    leave = await budget.enter(tenant, { optional, signal });
    return { state, leave };
  };
  return { budget, enter, unloaded };
}

it("unloads the least recently used idle model, and no more than it must", async () => {
  const { enter, unloaded } = open();
  await enter("young", { lastUsedAt: 2 });
  await enter("old", { lastUsedAt: 1 });
  await enter("next");
  expect(unloaded).toEqual(["old"]);
});

it("never unloads what is pinned or at work", async () => {
  const { enter, unloaded } = open();
  await enter("pinned", { pinned: true, bytes: 20 });
  await enter("busy", { idle: false });
  await enter("idle", { lastUsedAt: 9 });
  await enter("next");
  expect(unloaded).toEqual(["idle"]);
});

it("waits for a model that is at work, and unloads none in vain meanwhile", async () => {
  const { budget, enter, unloaded } = open();
  const { state } = await enter("busy", { bytes: 60, idle: false });
  await enter("idle", { bytes: 20 });
  const next = enter("next", { bytes: 90 });
  await setImmediate();
  expect(unloaded).toEqual([]);
  state.idle = true;
  budget.settle();
  await next;
  expect(unloaded).toEqual(["busy", "idle"]);
});

it("refuses after a while what models at work leave no room for: retryably, with the sizes", async () => {
  const { enter } = open(20);
  await enter("busy", { bytes: 60, idle: false });
  await expect(enter("next", { bytes: 50 * 1024 ** 2 })).rejects.toMatchObject({ code: "model_too_large" });
  await expect(enter("next", { bytes: 50 })).rejects.toMatchObject({ code: "overloaded" });
});

it("refuses for good what can't fit beside the models that stay, and says so", async () => {
  const mebibyte = 1024 ** 2;
  const budget = createMemoryBudget(1000 * mebibyte);
  const tenant = (id: string, size: number, pinned: boolean): Tenant => ({
    id,
    pinned,
    bytes: () => size * mebibyte,
    lastUsedAt: () => 0,
    isIdle: () => true,
    unload: () => Promise.resolve(),
  });
  const { signal } = new AbortController();
  await budget.enter(tenant("pinned", 300, true), { signal });
  await expect(budget.enter(tenant("large", 800, false), { signal })).rejects.toMatchObject({
    code: "model_too_large",
    message: expect.stringMatching(
      /^large needs about 800 MiB .* budget is 1000 MiB, .* take 300 MiB\. Give/,
    ),
  });
});

it("lets what is only convenient take what is free, at nobody's cost", async () => {
  const { enter, unloaded } = open();
  await enter("idle", { bytes: 50 });
  await enter("fits", { bytes: 50 }, true);
  await expect(enter("does not", { bytes: 1 }, true)).rejects.toMatchObject({ code: "overloaded" });
  expect(unloaded).toEqual([]);
});

it("unloads an idle model when what is loaded has outgrown the budget", async () => {
  const { budget, enter, unloaded } = open();
  await enter("idle");
  const { state } = await enter("growing", { idle: false });
  state.bytes = 70;
  budget.settle();
  expect(unloaded).toEqual(["idle"]);
});
