import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { memoryStorage } from "../../test/worker-stack.ts";
import { downloadObject, removeStaleCopies } from "./download-object.ts";

const storage = {
  ...memoryStorage(),
  download: () => Promise.resolve(new Blob(["bytes"]).stream()),
};
const object = { key: "key", sizeBytes: 5 };

it("removes what a killed worker left, and nothing that is in use", async () => {
  const copy = await downloadObject(storage, object, new AbortController().signal);
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const left = dirname(copy.path).replace(`-${process.pid}-`, `-${gone}-`);
  expect(left).not.toBe(dirname(copy.path));
  await mkdir(left);
  await removeStaleCopies();
  expect([existsSync(copy.path), existsSync(left)]).toEqual([true, false]);
  await copy[Symbol.asyncDispose]();
  expect(existsSync(dirname(copy.path))).toBe(false);
});

it("keeps no copy that did not come whole", async () => {
  const short = downloadObject(storage, { ...object, sizeBytes: 6 }, new AbortController().signal);
  await expect(short).rejects.toMatchObject({ code: "storage_unavailable" });
});
