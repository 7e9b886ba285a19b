import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { plansFor } from "./measure-embedding.ts";
import { keepTuning, readTuning } from "./tuning.ts";
import type { ModelRecord } from "./types.ts";

const record: ModelRecord = {
  id: "acme/bert",
  task: "embedding",
  revision: "main",
  dtype: "q8",
  source: "hub",
  maxTokens: 512,
  description: "",
};
const tuning = { bulkProcesses: 4, threadsPerBulkProcess: 2, tokensPerRun: 256 };
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "genq-tuning-"));
  await keepTuning(record, folder, { ...tuning, tokensPerSecond: 1000 });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Changes the kept file by hand. */
function change(field: string, value: unknown): void {
  const path = join(folder, "tuning.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), [field]: value }));
}

test("what was kept is read again", () => {
  expect(readTuning(record, folder)).toEqual(tuning);
  expect(readTuning(record, join(folder, "not-there"))).toBeUndefined();
});

test("what was measured of other weights does not hold", () => {
  expect(readTuning({ ...record, dtype: "fp32" }, folder)).toBeUndefined();
  expect(readTuning({ ...record, revision: "v2" }, folder)).toBeUndefined();
});

test.each([
  ["cpu", "another one"],
  ["cores", 999],
  ["bulkProcesses", 0],
  ["tokensPerRun", "many"],
])("what was measured with another %s, or makes no sense, does not hold", (field, value) => {
  change(field, value);
  expect(readTuning(record, folder)).toBeUndefined();
});

test("plans take all cores together", () => {
  const pairs = (cores: number) => plansFor(cores).map((plan) => Object.values(plan));
  expect(pairs(1)).toEqual([[1, 1]]);
  expect(pairs(2)).toEqual([
    [2, 1],
    [1, 2],
  ]);
  expect(pairs(6)).toEqual([
    [6, 1],
    [3, 2],
    [1, 4],
    [1, 6],
  ]);
});
