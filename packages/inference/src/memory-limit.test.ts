import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { defaultMaxRss, processesThatFit } from "./memory-limit.ts";

const gibibyte = 1024 ** 3;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(os.tmpdir(), "genq-memory-"));
  await writeFile(join(folder, "model.onnx"), "");
  // A sparse file: a gibibyte in name only.
  await truncate(join(folder, "model.onnx"), gibibyte);
});
afterAll(() => rm(folder, { recursive: true }));

function machine(bytes: number, container: number): void {
  vi.spyOn(os, "totalmem").mockReturnValue(bytes);
  vi.spyOn(process, "constrainedMemory").mockReturnValue(container);
}

it("leaves a model room by the size of its files", async () => {
  machine(64 * gibibyte, 0);
  expect(await defaultMaxRss(folder)).toBe(6 * gibibyte);
});

it("stays below what the machine or the container has", async () => {
  machine(4 * gibibyte, 0);
  expect(await defaultMaxRss(folder)).toBe(0.8 * 4 * gibibyte);
  machine(64 * gibibyte, 2 * gibibyte);
  expect(await defaultMaxRss(folder)).toBe(0.8 * 2 * gibibyte);
  // What an unlimited control group tells.
  machine(4 * gibibyte, Number.MAX_SAFE_INTEGER);
  expect(await defaultMaxRss(folder)).toBe(0.8 * 4 * gibibyte);
});

it("counts the processes that fit", () => {
  machine(8 * gibibyte, 0);
  expect(processesThatFit()).toBe(3);
  expect(processesThatFit(gibibyte)).toBe(6);
  machine(64 * gibibyte, 2 * gibibyte);
  expect(processesThatFit()).toBe(0);
});
