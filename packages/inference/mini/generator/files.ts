import { readFileSync } from "node:fs";
import { join } from "node:path";

export const modelFolder = join(import.meta.dirname, "../models/genq/mini-generator");

/** Of falling frequency. */
export function readFrequentWords(): string[] {
  return readFileSync(join(import.meta.dirname, "words.txt"), "utf8")
    .trim()
    .split(/\s+/);
}

/** The tokens of the tokenizer that build-tokenizer.ts wrote, by id. */
export function readTokens(): string[] {
  // Written by tokenizerJson().
  const { model } = JSON.parse(readFileSync(join(modelFolder, "tokenizer.json"), "utf8")) as {
    model: { vocab: Record<string, number> };
  };
  return Object.entries(model.vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token]) => token);
}
