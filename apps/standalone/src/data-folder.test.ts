import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDataFolder } from "./data-folder.ts";
import { loadKeys } from "./keys.ts";
import { StartError } from "./trouble.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "genq-data-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

test("a folder belongs to one launcher, until that one ends", async () => {
  const path = join(parent, "data");
  const first = await openDataFolder(path);
  expect(first.isNew).toBe(true);
  await expect(openDataFolder(path)).rejects.toThrow(`in use by another genq (process ${process.pid})`);
  first.lock.release();
  (await openDataFolder(path)).lock.release();
});

test.each([
  [
    "a newer format",
    (path: string) => writeFileSync(join(path, "format.json"), '{"format":99}'),
    "another version",
  ],
  [
    "an unreadable format",
    (path: string) => writeFileSync(join(path, "format.json"), "{"),
    "another version",
  ],
  [
    "another Postgres",
    (path: string) => {
      mkdirSync(join(path, "postgres"));
      writeFileSync(join(path, "postgres", "PG_VERSION"), "17\n");
    },
    "Postgres 17",
  ],
])("refuses %s in one sentence", async (_name, prepare, said) => {
  prepare(parent);
  const error = await openDataFolder(parent).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(StartError);
  expect(error).toHaveProperty("message", expect.stringContaining(said));
  expect(error).toHaveProperty("message", expect.stringContaining("--data DIR"));
});

test("a file in the folder's place is named", async () => {
  writeFileSync(join(parent, "file"), "");
  await expect(openDataFolder(join(parent, "file"))).rejects.toThrow("is not a folder");
  await expect(openDataFolder(join(parent, "file", "below"))).rejects.toThrow("is not a folder");
});

test("keys are made once, for their owner's eyes only", () => {
  const keys = loadKeys(parent);
  expect(keys.publishable_key).toMatch(/^sb_publishable_[A-Za-z0-9]{22}_[A-Za-z0-9]{8}$/);
  expect(loadKeys(parent)).toEqual(keys);
  expect(statSync(join(parent, "keys.json")).mode & 0o777).toBe(0o600);
  writeFileSync(join(parent, "keys.json"), "{}");
  expect(() => loadKeys(parent)).toThrow(StartError);
});
