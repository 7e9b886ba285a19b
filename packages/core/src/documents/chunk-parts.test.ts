import { describe, expect, test } from "vitest";
import { chunkParts } from "./chunk-parts.ts";
import type { Chunk, DocumentPart } from "./types.ts";

/** Like a real tokenizer: words in pieces of six letters, one token for a Japanese character, and not quite additive. */
function countOne(text: string): number {
  const pieces = text.match(/[\u3000-\u9fff\uff00-\uffef]|[\p{L}\p{N}]{1,6}|[^\s\p{L}\p{N}]/gu) ?? [];
  return pieces.length + Math.floor(pieces.length / 40);
}

function createCounter() {
  let calls = 0;
  const countTokens = (texts: string[]) => {
    calls++;
    return Promise.resolve(texts.map(countOne));
  };
  return { countTokens, calls: () => calls };
}

const toPart = (text: string, part = 1, charOffset = 0): DocumentPart => ({
  kind: "text",
  part,
  parts: 9,
  page: part,
  text,
  charOffset,
});

async function chunk(texts: string[], maxTokens = 64, overlapTokens?: number): Promise<Chunk[]> {
  const { countTokens } = createCounter();
  const chunks: Chunk[] = [];
  const parts = texts.map((text, index) => toPart(text, index + 1));
  for await (const part of chunkParts(parts, { maxTokens, overlapTokens, countTokens })) {
    if (part.kind === "chunked") chunks.push(...part.chunks);
  }
  return chunks;
}

const prose =
  "The pump holds 3.5 litres. Mr. Smith filled it at 7 a.m. on Monday! Was it full? It was (nearly). ".repeat(
    30,
  );
const japanese =
  "本機の水槽は三リットルです。「満水ですか？」と聞かれました。はい！毎朝、七時に給水します。".repeat(30);
const samples: [string, string][] = [
  ["prose", prose],
  ["Japanese", japanese],
  [
    "paragraphs",
    Array.from({ length: 40 }, (_, n) => `${n}. ${prose.slice(0, (n * 37) % 400)}`).join("\n\n"),
  ],
  ["one line without a space", "x".repeat(50_000)],
  ["one line of words", "lorem ipsum dolor ".repeat(3000)],
  ["one sentence in Japanese", "あいうえお、かきくけこ".repeat(500)],
  ["emoji", "👩🏽‍🚀🇯🇵👍🏿".repeat(400)],
  ["combining marks", `Z${"\u0301".repeat(2000)}`],
  ["headings", "# One\n\nText of one.\n\n# Two\n\nText of two, which is longer.\n\n".repeat(30)],
  ["white space", `  a ${"\n \t".repeat(500)} b  `],
];

describe.each([16, 64, 200])("chunks of %i tokens", (maxTokens) => {
  test.each(samples)("%s: fits, covers, slices, stays well-formed", async (_name, text) => {
    const chunks = await chunk([text], maxTokens);
    let covered = 0;
    for (const [index, { ordinal, charStart, charEnd, tokenCount, text: slice }] of chunks.entries()) {
      expect(ordinal).toBe(index);
      expect(slice).toBe(text.slice(charStart, charEnd));
      expect(slice.isWellFormed()).toBe(true);
      expect(tokenCount).toBe(countOne(slice));
      expect(tokenCount).toBeLessThanOrEqual(maxTokens);
      if (charStart > covered) expect(text.slice(covered, charStart).trim()).toBe("");
      expect(charEnd).toBeGreaterThan(covered);
      covered = charEnd;
    }
    expect(text.slice(covered).trim()).toBe("");
  });
});

describe("where chunks end", () => {
  test("on sentence ends, and not after abbreviations or within numbers", async () => {
    for (const { text } of await chunk([prose])) expect(text).toMatch(/[.!?)]$/);
    for (const { text } of await chunk([prose])) expect(text).not.toMatch(/(?:Mr|a\.m|3)\.$/);
  });

  test("on Japanese sentence ends with their closing brackets", async () => {
    for (const { text } of await chunk([japanese])) expect(text).toMatch(/[。！]$/);
  });

  test("before a heading, never after one", async () => {
    const text = Array.from({ length: 12 }, (_, n) => `## Part ${n}\n\n${prose.slice(0, 120)}`).join("\n\n");
    for (const each of await chunk([text])) {
      expect(each.text).toMatch(/^## Part/);
      expect(each.text).not.toMatch(/## Part \d+$/);
    }
  });

  test("without a scrap at the end", async () => {
    const chunks = await chunk([prose.slice(0, 280)], 64, 0);
    expect(chunks.length).toBe(2);
    for (const { tokenCount } of chunks) expect(tokenCount).toBeGreaterThan(20);
  });

  test("with pages: each has its own chunks", async () => {
    const chunks = await chunk(["One short page.", "", "Another short page."]);
    expect(chunks.map(({ pageStart, pageEnd, charStart }) => [pageStart, pageEnd, charStart])).toEqual([
      [1, 1, 0],
      [3, 3, 0],
    ]);
  });
});

test("a cut paragraph's last sentences are repeated, whole and within the overlap", async () => {
  const chunks = await chunk([prose], 64, 24);
  const repeats = chunks.filter((each, index) => each.charStart < (chunks[index - 1]?.charEnd ?? 0));
  expect(repeats.length).toBeGreaterThan(chunks.length / 2);
  for (const { text } of repeats) expect(text).toMatch(/^[A-Z]/);
});

test("offsets of a section count in the whole text", async () => {
  const { countTokens } = createCounter();
  for await (const part of chunkParts([toPart("Hello there.", 2, 1000)], {
    maxTokens: 64,
    firstOrdinal: 7,
    countTokens,
  })) {
    expect(part).toMatchObject({ chunks: [{ ordinal: 7, charStart: 1000, charEnd: 1012 }] });
  }
});

test("going on from a later part gives the same chunks", async () => {
  const pages = [prose, japanese, prose.slice(50)];
  const all = await chunk(pages);
  const { countTokens } = createCounter();
  const firstOrdinal = all.findIndex(({ pageStart }) => pageStart === 2);
  const rest: Chunk[] = [];
  const later = pages.slice(1).map((text, index) => toPart(text, index + 2));
  for await (const part of chunkParts(later, { maxTokens: 64, firstOrdinal, countTokens })) {
    if (part.kind === "chunked") rest.push(...part.chunks);
  }
  expect(rest).toEqual(all.slice(firstOrdinal));
});

test("tokens are counted in few calls", async () => {
  const { countTokens, calls } = createCounter();
  for await (const _ of chunkParts([toPart("x".repeat(16_000)), toPart(prose)], {
    maxTokens: 64,
    countTokens,
  })) {
    expect(calls()).toBeLessThan(12);
  }
});

test("failed parts pass through", async () => {
  const { countTokens } = createCounter();
  const failed: DocumentPart = { kind: "failed", part: 1, parts: 1, page: 1, detail: "torn" };
  const seen: unknown[] = [];
  for await (const part of chunkParts([failed], { maxTokens: 64, countTokens })) seen.push(part);
  expect(seen).toEqual([failed]);
});
