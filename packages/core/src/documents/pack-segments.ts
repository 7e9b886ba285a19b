import { breakRank } from "./sentence-breaks.ts";
import type { CountedSegment } from "./split-overlong.ts";

/** Segments `first` to `last` (inclusive), which make one chunk. */
export interface SegmentRange {
  first: number;
  last: number;
}

/**
 * Packs segments to chunks of at most `maxTokens`. A chunk ends at the best place in its second half: before a
 * heading, else at a paragraph's end, else at a sentence's. Where a paragraph is cut, the next chunk repeats whole
 * sentences of up to `overlapTokens`.
 */
export function packSegments(
  segments: CountedSegment[],
  { maxTokens, overlapTokens }: { maxTokens: number; overlapTokens: number },
): SegmentRange[] {
  const ranges: SegmentRange[] = [];
  let remaining = segments.reduce((sum, { tokens }) => sum + tokens, 0);
  let first = 0;
  let fresh = 0;
  while (fresh < segments.length) {
    const repeated = sumTokens(segments, first, fresh);
    const last = Math.max(fresh, findLast(segments, first, chooseBudget(repeated + remaining, maxTokens)));
    ranges.push({ first, last });
    remaining -= sumTokens(segments, fresh, last + 1);
    fresh = last + 1;
    first = findOverlap(segments, first, fresh, overlapTokens, maxTokens);
  }
  return ranges;
}

/** What is left makes two chunks of like size rather than a full one and a scrap. */
function chooseBudget(remaining: number, maxTokens: number): number {
  const isScrapAhead = remaining > maxTokens && remaining < maxTokens * 1.4;
  return isScrapAhead ? Math.ceil(remaining * 0.65) : maxTokens;
}

function sumTokens(segments: CountedSegment[], start: number, end: number): number {
  let sum = 0;
  for (let index = start; index < end; index++) sum += segments[index]?.tokens ?? 0;
  return sum;
}

function findLast(segments: CountedSegment[], first: number, maxTokens: number): number {
  let tokens = 0;
  let best = first;
  let bestRank = -1;
  for (let index = first; index < segments.length; index++) {
    const segment = segments[index];
    if (!segment) break;
    tokens += segment.tokens;
    if (tokens > maxTokens) break;
    const next = segments[index + 1];
    if (!next) return index;
    const isEnough = tokens >= maxTokens / 2 || (next.rank === breakRank.heading && tokens >= maxTokens / 4);
    // A heading stays with what it heads.
    const rank = segment.isHeading ? -1 : next.rank;
    if (isEnough ? rank >= bestRank : bestRank < 0) {
      best = index;
      if (isEnough) bestRank = rank;
    }
  }
  return best;
}

/** Where the next chunk starts: at `fresh`, or some whole sentences of the same paragraph before it. */
function findOverlap(
  segments: CountedSegment[],
  first: number,
  fresh: number,
  overlapTokens: number,
  maxTokens: number,
): number {
  let start = fresh;
  let tokens = 0;
  while (start - 1 > first && (segments[start]?.rank ?? breakRank.heading) <= breakRank.sentence) {
    tokens += segments[start - 1]?.tokens ?? 0;
    if (tokens > overlapTokens || tokens + (segments[fresh]?.tokens ?? 0) > maxTokens) break;
    start--;
  }
  // Half a sentence is no context: an overlap starts where a sentence or a paragraph does.
  while (start < fresh && (segments[start]?.rank ?? 0) < breakRank.sentence) start++;
  return start;
}
