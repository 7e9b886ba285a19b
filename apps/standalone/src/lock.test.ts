import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, it } from "vitest";
import { acquireLock } from "./lock.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-lock-"));
afterAll(() => rm(folder, { recursive: true }));

it("goes to one, until it is released", async () => {
  const path = join(folder, "a.lock");
  const first = await acquireLock(path, 0);
  expect(await acquireLock(path, 0)).toBeUndefined();
  first?.release();
  const second = await acquireLock(path, 0);
  expect(second).toBeDefined();
  second?.release();
});

it("is kept by a process that refers to it no more", async () => {
  const path = join(folder, "b.lock");
  expect(await acquireLock(path, 0)).toBeDefined();
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("This Node has no garbage collector to call.");
  for (let round = 0; round < 5; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await acquireLock(path, 0)).toBeUndefined();
});
