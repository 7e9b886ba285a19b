import type { Passage } from "@genq/contract";
import { expect, it } from "vitest";
import { fitPassages } from "./fit-passages.ts";

const passage = (text: string): Passage => ({
  chunk_id: text.slice(0, 1),
  file_id: "00000000-0000-4000-8000-000000000000",
  file_name: "x.txt",
  page: null,
  page_end: null,
  text,
  score: 0.5,
});
/** A token a word; the number in front is one too. */
const countTokens = (texts: string[]) => Promise.resolve(texts.map((text) => text.split(/\s+/).length));
const fitting = async (texts: string[], budget: number) =>
  (await fitPassages(texts.map(passage), budget, countTokens)).map(({ text }) => text);

it("keeps what fits, best first, and lets a large one make room for a small one", async () => {
  expect(await fitting(["a a a", "b b b b b b b", "c c"], 8)).toEqual(["a a a", "c c"]);
});

it("cuts the best passage when it alone is too large", async () => {
  const [only = "", ...others] = await fitting([Array(1000).fill("a").join(" "), "b"], 50);
  expect(others).toEqual([]);
  expect((await countTokens([`[1] ${only}`]))[0]).toBeLessThanOrEqual(50);
  expect(only.length).toBeGreaterThan(60);
});

it("ends with any budget", async () => {
  expect(await fitting(["😀".repeat(50)], 0)).toHaveLength(1);
});
