import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { builtInModels, findModel } from "./model-catalog.ts";
import { ownModelsFile, readKnownModels } from "./own-models.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "genq-own-models-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (content: unknown) =>
  writeFileSync(join(folder, ownModelsFile), typeof content === "string" ? content : JSON.stringify(content));
const gte = {
  id: "acme/gte",
  task: "embedding",
  dtype: "q8",
  dimensions: 768,
  pooling: "cls",
  maxTokens: 512,
};

test("without a file the built-in models are known", () => {
  expect(readKnownModels(folder)).toBe(builtInModels);
  expect(readKnownModels(join(folder, "not-there"))).toBe(builtInModels);
});

test("adds the operator's records to the built-in ones", () => {
  write([gte]);
  const { record } = findModel("acme/gte", "embedding", readKnownModels(folder));
  expect(record).toMatchObject({
    ...gte,
    source: "hub",
    revision: "main",
    normalize: true,
    chunkTokens: 384,
  });
  expect(readKnownModels(folder)).toHaveLength(builtInModels.length + 1);
});

test("a generation model's record stands for the built-in one", () => {
  const id = "onnx-community/Qwen3-0.6B-ONNX";
  const chatTemplateVariables = { enable_thinking: true };
  write([{ id, task: "generation", dtype: "fp16", device: "cuda", maxTokens: 8192, chatTemplateVariables }]);
  const known = readKnownModels(folder);
  expect(known).toHaveLength(builtInModels.length);
  expect(findModel(id, "generation", known)).toMatchObject({
    record: { dtype: "fp16", device: "cuda", maxTokens: 8192 },
    chatTemplateVariables,
  });
});

test.each([
  ["no JSON", "[{", "models.json can't be used: Expected"],
  ["no array", {}, "expected array"],
  ["a way out of the folder", [{ ...gte, id: "../../etc" }], "must be a hub's name"],
  ["an unknown dtype", [{ ...gte, dtype: "q3" }], '"q4f16"'],
  ["an unknown task", [{ ...gte, task: "vision" }], "task"],
  ["an unknown field", [{ ...gte, poolign: "cls" }], "poolign"],
  ["a model twice", [gte, gte], "acme/gte is there twice"],
  [
    "a built-in embedding model",
    [{ ...gte, id: "Xenova/all-MiniLM-L6-v2" }],
    "Xenova/all-MiniLM-L6-v2 is built in",
  ],
])("refuses %s and tells the file", (_, content, message) => {
  write(content);
  expect(() => readKnownModels(folder)).toThrow(
    expect.objectContaining({ code: "model_not_found", message: expect.stringContaining(message) }),
  );
  expect(() => readKnownModels(folder)).toThrow(join(folder, ownModelsFile));
});
