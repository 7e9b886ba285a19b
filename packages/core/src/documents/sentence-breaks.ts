const titleCharacters = 60;

/** How good a place for a chunk's end is. */
export const breakRank = { word: 0, line: 1, sentence: 2, paragraph: 3, heading: 4 } as const;
type BreakRank = (typeof breakRank)[keyof typeof breakRank];

/** A stretch of text that is not cut unless it is too long; `rank` tells what lies before it. */
export interface Segment {
  start: number;
  end: number;
  rank: BreakRank;
  isHeading: boolean;
}

// A line end, a Japanese or a Western sentence's end with its closing quotes and brackets. This runs in the worker on
// hostile text: the lookbehind keeps a run of dots from being tried from each of its dots.
const boundary = /\n\s*|[。！？｡．]+[」』）】〉》”’"')\]]*|(?<![.!?…])[.!?…]+["'”’»)\]]*(?=\s)/g;
const abbreviation =
  /(?:^|[\s(])(?:\p{Lu}|[Mm]rs?|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|cf|al|approx|[Ff]ig|[Nn]o|[Vv]ol|pp?|[Ee]d|Inc|Ltd|Co|Corp)\.$/u;

/** Cuts a text at every place where a chunk may end. The segments lie in order, and only white space is between them. */
export function segmentText(text: string): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  let rank: BreakRank = breakRank.paragraph;
  const add = (end: number, next: BreakRank) => {
    const trimmed = trim(text, start, end);
    if (trimmed.start < trimmed.end) {
      const isHeading =
        rank >= breakRank.line && /^#{1,6} /.test(text.slice(trimmed.start, trimmed.start + 7));
      segments.push({ ...trimmed, rank: isHeading ? breakRank.heading : rank, isHeading });
      rank = next;
    } else rank = max(rank, next);
    start = end;
  };
  for (const match of text.matchAll(boundary)) {
    const end = match.index + match[0].length;
    if (match[0].includes("\n"))
      add(end, /\n[^\S\n]*\n/.test(match[0]) ? breakRank.paragraph : breakRank.line);
    else if (endsSentence(text, match.index, end)) add(end, breakRank.sentence);
  }
  add(text.length, breakRank.word);
  return segments.map((segment, index) => (isTitle(text, segments, index) ? asHeading(segment) : segment));
}

function asHeading(segment: Segment): Segment {
  return { ...segment, rank: breakRank.heading, isHeading: true };
}

/** Plain text marks its headings by blank lines around a short line without punctuation, before a line that is not. */
function isTitle(text: string, segments: Segment[], index: number): boolean {
  const next = segments[index + 1];
  if (!next || !standsAlone(text, segments, index)) return false;
  return !next.isHeading && !standsAlone(text, segments, index + 1);
}

function standsAlone(text: string, segments: Segment[], index: number): boolean {
  const segment = segments[index];
  const next = segments[index + 1];
  if (!segment || segment.rank < breakRank.paragraph || (next && next.rank < breakRank.paragraph))
    return false;
  const line = text.slice(segment.start, Math.min(segment.end, segment.start + titleCharacters + 1));
  return line.length <= titleCharacters && /\p{L}/u.test(line) && !/[。！？!?:：;；、,，|=…]|\.$/u.test(line);
}

function max(one: BreakRank, other: BreakRank): BreakRank {
  return one > other ? one : other;
}

/** "Mr. Smith", "3. item" at a line's start, "J. Doe" and a full stop before a small letter end no sentence. */
function endsSentence(text: string, mark: number, end: number): boolean {
  if (text[mark] !== ".") return !(text[mark] === "．" && /^\p{Nd}/u.test(text.slice(end, end + 1)));
  if (/^\s+\p{Ll}/u.test(text.slice(end, end + 8))) return false;
  const before = text.slice(Math.max(0, mark - 12), mark + 1);
  return !abbreviation.test(before) && !/(?:^|\n)\s*\(?\d{1,3}\.$/.test(before);
}

function trim(text: string, start: number, end: number): { start: number; end: number } {
  let [first, last] = [start, end];
  while (first < last && /\s/.test(text.charAt(first))) first++;
  while (last > first && /\s/.test(text.charAt(last - 1))) last--;
  return { start: first, end: last };
}
