import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { defaultMaxRss, defaultMemoryBudget, estimateRss } from "./memory-limit.ts";
import { findModel } from "./model-catalog.ts";

const gibibyte = 1024 ** 3;
const { record } = findModel("Xenova/all-MiniLM-L6-v2");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(os.tmpdir(), "genq-memory-"));
  await mkdir(join(folder, "onnx"));
  for (const name of ["model_quantized.onnx", "model.onnx", "model.onnx_data"]) {
    await writeFile(join(folder, "onnx", name), "");
    // A sparse file: a gibibyte in name only.
    await truncate(join(folder, "onnx", name), gibibyte);
  }
});
afterAll(() => rm(folder, { recursive: true }));

function machine(bytes: number, container: number): void {
  vi.spyOn(os, "totalmem").mockReturnValue(bytes);
  vi.spyOn(process, "constrainedMemory").mockReturnValue(container);
}

it("leaves a model room by the size of its files, not of other dtypes' weights", async () => {
  machine(64 * gibibyte, 0);
  expect(await defaultMaxRss(record, folder)).toBe(6 * gibibyte);
});

it("stays below what the machine or the container has", async () => {
  machine(4 * gibibyte, 0);
  expect(await defaultMaxRss(record, folder)).toBe(0.8 * 4 * gibibyte);
  machine(64 * gibibyte, 2 * gibibyte);
  expect(await defaultMaxRss(record, folder)).toBe(0.8 * 2 * gibibyte);
  // What an unlimited control group tells.
  machine(4 * gibibyte, Number.MAX_SAFE_INTEGER);
  expect(await defaultMaxRss(record, folder)).toBe(0.8 * 4 * gibibyte);
});

it("estimates what a model takes by its files, and gives models a share of the machine", async () => {
  machine(8 * gibibyte, 0);
  expect(await estimateRss(record, folder)).toBe(1.5 * gibibyte + 200 * 1024 ** 2);
  expect(await estimateRss({ ...record, dtype: "fp32" }, folder)).toBe(3 * gibibyte + 200 * 1024 ** 2);
  const small = { ...record, task: "generation", dtype: "q4" } as const;
  await writeFile(join(folder, "onnx/model_q4.onnx"), "");
  await truncate(join(folder, "onnx/model_q4.onnx"), 100 * 1024 ** 2);
  const copies = process.arch === "x64" ? 2.5 : 1.5;
  expect(await estimateRss(small, folder)).toBe((200 + copies * 100) * 1024 ** 2);
  expect(defaultMemoryBudget()).toBe(Math.floor(0.8 * 8 * gibibyte));
});
