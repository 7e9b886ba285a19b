import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInference } from "./create-inference.ts";
import { chunkParagraphs, makeQuestions } from "./testing/retrieval-questions.ts";
import { similarity } from "./testing/similarity.ts";
import type { Inference } from "./types.ts";

let inference: Inference;

beforeAll(() => {
  inference = createInference({
    models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
    cacheDir: "unused",
    hubEndpoint: "http://127.0.0.1:9",
  });
});

afterAll(async () => {
  await inference.close();
});

async function embed(texts: string[], kind: "query" | "passage"): Promise<Float32Array[]> {
  return (await inference.embed({ texts, kind, priority: "bulk" })).vectors;
}

const readSample = (language: string) =>
  readFile(new URL(`../mini/evaluation/${language}.txt`, import.meta.url), "utf8");

describe("the mini embedder", () => {
  test("finds the chunk that holds the answer: first for 9 of 10 questions, among the first three for 97 of 100", async () => {
    const texts = await Promise.all(["english", "japanese"].map(readSample));
    const chunks = texts.flatMap((text, index) => chunkParagraphs(text, index === 0 ? 120 : 60));
    const questions = makeQuestions(chunks, 200);
    expect(questions.length).toBeGreaterThanOrEqual(180);

    const passages = await embed(chunks, "passage");
    const queries = await embed(
      questions.map(({ text }) => text),
      "query",
    );
    const ranks = questions.map(({ chunk }, index) => {
      const scores = passages.map((passage) => similarity(queries[index], passage));
      return scores.filter((score) => score > (scores[chunk] ?? 0)).length;
    });
    const within = (rank: number) => ranks.filter((better) => better < rank).length / ranks.length;
    expect(within(3)).toBeGreaterThanOrEqual(0.97);
    expect(within(1)).toBeGreaterThanOrEqual(0.9);
  });

  test.each([
    ["inflections", "He installs the package", "Installing packages", "Bananas ripen slowly"],
    ["typos", "the deploymnt of the servce", "deployment of the service", "a walk along the river"],
    ["Japanese inflections", "設定を変更しました", "設定の変更について", "猫が庭で眠る"],
    ["widths and case", "ＡＢＣ１２３ｶﾀｶﾅ", "abc123 カタカナ", "xyz789 ひらがな"],
  ])("holds %s near each other", async (_, text, near, far) => {
    const [a, b, c] = await embed([text, near, far], "passage");
    expect(similarity(a, b)).toBeGreaterThan(0.3);
    expect(similarity(a, b)).toBeGreaterThan(similarity(a, c) + 0.2);
  });
});
