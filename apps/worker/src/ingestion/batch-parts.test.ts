import type { ChunkedPart, FailedPart } from "@genq/core/documents";
import { expect, it } from "vitest";
import { batchParts } from "./batch-parts.ts";
import { createPace } from "./pace.ts";

function part(number: number, chunks: number): ChunkedPart {
  const chunk = { ordinal: 0, text: "", pageStart: 1, pageEnd: 1, charStart: 0, charEnd: 0, tokenCount: 1 };
  return { kind: "chunked", part: number, parts: 4, page: number, chunks: Array(chunks).fill(chunk) };
}

async function* parts(): AsyncGenerator<ChunkedPart | FailedPart> {
  yield part(1, 3);
  yield { kind: "failed", part: 2, parts: 4, page: 2, detail: "damaged" };
  yield await Promise.resolve(part(3, 2));
  yield part(4, 0);
}

async function batches(size: number, maxMs: number) {
  const found: unknown[] = [];
  for await (const batch of batchParts(parts(), { size: () => size, maxMs })) {
    found.push([batch.part, batch.chunks.length, batch.failedParts]);
  }
  return found;
}

it("takes whole parts until they have enough chunks", async () => {
  expect(await batches(4, 10_000)).toEqual([
    [3, 5, [2]],
    [4, 0, []],
  ]);
  expect(await batches(100, 10_000)).toEqual([[4, 5, [2]]]);
});

it("does not wait longer than it may", async () => {
  expect(await batches(100, 0)).toHaveLength(4);
});

it("paces batches by what the model manages, by a factor of two at a time", () => {
  let now = 0;
  const pace = createPace(() => now);
  const store = (chunks: number, ms: number) => {
    now += ms;
    pace.stored(chunks);
    return pace.size();
  };
  expect(store(64, 100)).toBe(128);
  expect(store(128, 128)).toBe(256);
  expect(store(256, 1500)).toBe(256);
  expect(store(256, 6000)).toBe(128);
  expect(store(0, 6000)).toBe(128);
  for (let round = 0; round < 9; round++) store(1, 60_000);
  expect(pace.size()).toBe(16);
});
