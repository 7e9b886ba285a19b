import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInference } from "./create-inference.ts";
import { writeHubEncoder } from "./testing/hub-encoder.ts";
import type { Inference } from "./types.ts";

const id = "acme/reranker";
const shape = { layers: 1, hidden: 32, heads: 4, inner: 64, vocabulary: 6000, positions: 64 };
const mini = { embedding: "genq/mini-embedder", generation: "genq/mini-generator" };
const texts = ["the cat", "a dog and a cat", "", "birds", "the cat"];
let cacheDir: string;
let inference: Inference;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "genq-rerank-"));
  await writeHubEncoder(join(cacheDir, id), shape, { like: "bert", scores: true, dtype: "fp32" });
  // An operator's own record, in a folder that is complete: nothing is downloaded.
  await writeFile(
    join(cacheDir, "models.json"),
    JSON.stringify([{ id, task: "reranking", dtype: "fp32", maxTokens: 64 }]),
  );
  inference = open({ ...mini, reranking: id });
});
afterAll(async () => {
  await inference.close();
  await rm(cacheDir, { recursive: true });
});
const open = (models: { embedding: string; generation: string; reranking?: string }) =>
  createInference({ models, cacheDir, hubEndpoint: "http://127.0.0.1:9" });

test("ranks texts, the best first and of equal ones the first", async () => {
  const { model, results } = await inference.rerank({ query: "cat", texts, priority: "interactive" });
  expect(model).toBe(id);
  expect(results.map(({ index }) => index).toSorted()).toEqual([0, 1, 2, 3, 4]);
  expect(results.map(({ score }) => score)).toEqual(
    results.map(({ score }) => score).toSorted((a, b) => b - a),
  );
  const places = [0, 4].map((index) => results.findIndex((result) => result.index === index));
  expect(places[1]).toBe((places[0] ?? 9) + 1);
  const best = await inference.rerank({ query: "cat", texts, topK: 2, priority: "bulk" });
  expect(best.results.map(({ index }) => index)).toEqual(results.slice(0, 2).map(({ index }) => index));
});

test("takes no texts, and refuses what makes no sense", async () => {
  const priority = "interactive";
  expect(await inference.rerank({ query: "cat", texts: [], priority })).toEqual({ model: id, results: [] });
  const refused = { code: "invalid_input" };
  await expect(inference.rerank({ query: "cat", texts, topK: 0, priority })).rejects.toMatchObject(refused);
  await expect(inference.rerank({ query: "cat", texts, topK: 1.5, priority })).rejects.toMatchObject(refused);
  await expect(
    inference.rerank({ query: "cat", texts, model: mini.embedding, priority }),
  ).rejects.toMatchObject({ code: "model_not_found" });
  const bare = open(mini);
  await expect(bare.rerank({ query: "cat", texts, priority })).rejects.toMatchObject({
    code: "invalid_input",
    message: expect.stringContaining("No reranking model is configured"),
  });
  expect(bare.records().reranking).toBeUndefined();
  await bare.close();
});
