import { breakRank, type Segment } from "./sentence-breaks.ts";

export type CountRanges = (ranges: { start: number; end: number }[]) => Promise<number[]>;
export type CountedSegment = Segment & { tokens: number };

/** What may not stand at a cut's right side: combining marks, variation selectors, joiners, skin tones. */
const clings = /^(?:\p{M}|\u200d|[\u{1f3fb}-\u{1f3ff}])/u;

/**
 * Cuts sentences that are longer than a chunk at words, or in Japanese and in endless words between characters, until
 * all fit. A single character always stays whole, whatever its number of tokens.
 */
export async function splitOverlong(
  text: string,
  counted: CountedSegment[],
  maxTokens: number,
  count: CountRanges,
): Promise<CountedSegment[]> {
  let segments = counted;
  while (segments.some((segment) => isOverlong(text, segment, maxTokens))) {
    const cuts = segments.map((segment) =>
      isOverlong(text, segment, maxTokens) ? cut(text, segment, maxTokens) : [],
    );
    const tokens = await count(cuts.flat());
    let index = 0;
    segments = segments.flatMap((segment, at) => {
      const pieces = cuts[at] ?? [];
      return pieces.length === 0
        ? [segment]
        : pieces.map((piece) => ({ ...piece, tokens: tokens[index++] ?? 0 }));
    });
  }
  return segments;
}

function isOverlong(text: string, { start, end, tokens }: CountedSegment, maxTokens: number): boolean {
  return tokens > maxTokens && nextCharacter(text, start) < end;
}

/** Cuts to pieces that should fit by the segment's own characters per token, with a tenth to spare. */
function cut(text: string, segment: CountedSegment, maxTokens: number): Segment[] {
  const length = segment.end - segment.start;
  const pieces = Math.max(2, Math.ceil((segment.tokens / maxTokens) * 1.1));
  const step = Math.max(1, Math.floor(length / pieces));
  const result: Segment[] = [];
  let start = segment.start;
  while (start < segment.end) {
    const end = segment.end - start <= step ? segment.end : findCut(text, start, start + step);
    const first = start === segment.start;
    const piece = trimSpaces(text, start, Math.min(end, segment.end));
    if (piece.start < piece.end) {
      result.push({
        ...piece,
        rank: first ? segment.rank : breakRank.word,
        isHeading: first && segment.isHeading,
      });
    }
    start = Math.min(end, segment.end);
  }
  return result;
}

/** The last place at or before `end` after a space or a comma, in the second half; else between two characters. */
function findCut(text: string, start: number, end: number): number {
  for (let at = end; at > start + (end - start) / 2; at--) {
    if (/[\s、，,;；・]/.test(text.charAt(at - 1))) return at;
  }
  let at = end;
  while (at > start && !isBetweenCharacters(text, at)) at--;
  return at > start ? at : nextCharacter(text, start);
}

function isBetweenCharacters(text: string, at: number): boolean {
  const splitsPair = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  return !splitsPair && !clings.test(text.slice(at, at + 2)) && text.charAt(at - 1) !== "\u200d";
}

function nextCharacter(text: string, start: number): number {
  return start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
}

function trimSpaces(text: string, start: number, end: number): { start: number; end: number } {
  let [first, last] = [start, end];
  while (first < last && /\s/.test(text.charAt(first))) first++;
  while (last > first && /\s/.test(text.charAt(last - 1))) last--;
  return { start: first, end: last };
}
