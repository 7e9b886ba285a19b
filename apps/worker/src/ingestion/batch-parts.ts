import type { Chunk, ChunkedPart, FailedPart } from "@genq/core/documents";

/** Whole parts of a document: what is embedded and stored together, and where a resume goes on. */
export interface Batch {
  chunks: Chunk[];
  /** The last part in it. */
  part: number;
  /** Parts of the document. */
  parts: number;
  failedParts: number[];
}

/** Gathers parts until they have as many chunks as the pace says, or `maxMs` went by. */
export async function* batchParts(
  parts: AsyncIterable<ChunkedPart | FailedPart>,
  options: { size: () => number; maxMs: number },
): AsyncGenerator<Batch> {
  let batch: Batch | undefined;
  let startedAt = 0;
  for await (const part of parts) {
    if (batch === undefined) {
      batch = { chunks: [], part: part.part, parts: part.parts, failedParts: [] };
      startedAt = performance.now();
    }
    batch.part = part.part;
    batch.parts = part.parts;
    if (part.kind === "failed") batch.failedParts.push(part.part);
    else batch.chunks.push(...part.chunks);
    const full = batch.chunks.length >= options.size() || performance.now() - startedAt >= options.maxMs;
    if (full) {
      yield batch;
      batch = undefined;
    }
  }
  if (batch !== undefined) yield batch;
}
