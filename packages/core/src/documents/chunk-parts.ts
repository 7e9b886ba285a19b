import { packSegments, type SegmentRange } from "./pack-segments.ts";
import { segmentText } from "./sentence-breaks.ts";
import { type CountedSegment, splitOverlong } from "./split-overlong.ts";
import type { Chunk, ChunkedPart, ChunkOptions, DocumentPart, FailedPart, TextPart } from "./types.ts";

/** How much text one call of `countTokens` gets at most. */
const charactersPerCount = 200_000;
const minTokens = 16;

/**
 * Cuts a document's parts to chunks as they come. The same parts and options give the same chunks, so after a crash
 * the work goes on with `firstPart` and `firstOrdinal`. Failed parts pass through.
 * @throws RangeError when `maxTokens` is below 16
 */
export async function* chunkParts(
  parts: AsyncIterable<DocumentPart> | Iterable<DocumentPart>,
  options: ChunkOptions,
): AsyncGenerator<ChunkedPart | FailedPart> {
  if (!(options.maxTokens >= minTokens)) throw new RangeError(`maxTokens must be ${minTokens} or more.`);
  let ordinal = options.firstOrdinal ?? 0;
  for await (const part of parts) {
    if (part.kind === "failed") {
      yield part;
      continue;
    }
    const chunks = await chunkPart(part, ordinal, options);
    ordinal += chunks.length;
    yield { kind: "chunked", part: part.part, parts: part.parts, page: part.page, chunks };
  }
}

async function chunkPart(part: TextPart, firstOrdinal: number, options: ChunkOptions): Promise<Chunk[]> {
  const { text, charOffset, page } = part;
  const { maxTokens, overlapTokens = Math.floor(maxTokens / 8) } = options;
  const count = (ranges: { start: number; end: number }[]) =>
    countInBatches(
      ranges.map(({ start, end }) => text.slice(start, end)),
      options.countTokens,
    );
  const segments = segmentText(text);
  const tokens = await count(segments);
  const counted = segments.map((segment, index) => ({ ...segment, tokens: tokens[index] ?? 0 }));
  const fitting = await splitOverlong(text, counted, maxTokens, count);
  const packed = await packExactly(fitting, { maxTokens, overlapTokens }, count);
  return packed.map(({ start, end, tokenCount }, index) => ({
    ordinal: firstOrdinal + index,
    text: text.slice(start, end),
    pageStart: page,
    pageEnd: page,
    charStart: charOffset + start,
    charEnd: charOffset + end,
    tokenCount,
  }));
}

interface PackedRange {
  start: number;
  end: number;
  tokenCount: number;
}

/**
 * A tokenizer's counts don't quite add up: a chunk may have more tokens than its segments. So chunks are counted
 * again as a whole, and when one is over, all are packed anew a little tighter.
 */
async function packExactly(
  segments: CountedSegment[],
  options: { maxTokens: number; overlapTokens: number },
  count: (ranges: { start: number; end: number }[]) => Promise<number[]>,
): Promise<PackedRange[]> {
  for (let budget = options.maxTokens; ; budget = Math.floor(budget * 0.9)) {
    const ranges = packSegments(segments, { ...options, maxTokens: budget }).map((range) =>
      toText(segments, range),
    );
    const tokens = await count(ranges);
    const packed = ranges.map((range, index) => ({ ...range, tokenCount: tokens[index] ?? 0 }));
    if (budget < 1 || packed.every(({ tokenCount }) => tokenCount <= options.maxTokens)) return packed;
  }
}

function toText(segments: CountedSegment[], { first, last }: SegmentRange): { start: number; end: number } {
  return { start: segments[first]?.start ?? 0, end: segments[last]?.end ?? 0 };
}

async function countInBatches(texts: string[], countTokens: ChunkOptions["countTokens"]): Promise<number[]> {
  const counts: number[] = [];
  let batch: string[] = [];
  let characters = 0;
  const flush = async () => {
    if (batch.length > 0) counts.push(...(await countTokens(batch)));
    batch = [];
    characters = 0;
  };
  for (const text of texts) {
    if (characters + text.length > charactersPerCount) await flush();
    batch.push(text);
    characters += text.length;
  }
  await flush();
  return counts;
}
