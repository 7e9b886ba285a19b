import type { PdfLine } from "./pdf-lines.ts";

const edgeLines = 2;
const sampledPages = 32;
/** Left and right pages may differ, and chapters' first pages often have none. */
const repeatedShare = 0.4;
const repeatedPages = 3;

/** Which pages are looked at for headers and footers: evenly spread, always the same. */
export function choosePagesToSample(pages: number): number[] {
  const count = Math.min(pages, sampledPages);
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index * pages) / count));
}

/** The headers and footers of a document: lines at pages' upper and lower edges that recur, but for their numbers. */
export function findRepeatedLines(samples: PdfLine[][]): Set<string> {
  const seen = new Map<string, number>();
  for (const lines of samples) {
    for (const key of new Set(findEdgeLines(lines).map(keyOf))) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const needed = Math.max(repeatedPages, samples.length * repeatedShare);
  return new Set([...seen].filter(([, count]) => count >= needed).map(([key]) => key));
}

export interface PdfPageLines {
  page: number;
  lines: PdfLine[];
}

/** The page without its headers and footers: repeated lines, and lines whose number runs on in the pages around. */
export function dropRepeatedLines(
  { page, lines }: PdfPageLines,
  repeated: ReadonlySet<string>,
  around: PdfPageLines[],
): PdfLine[] {
  const edges = findEdgeLines(lines);
  const dropped = new Set(
    edges.filter(
      (line) => repeated.has(keyOf(line)) || around.some((other) => runsOn(line, other, other.page - page)),
    ),
  );
  return dropped.size === 0 ? lines : lines.filter((line) => !dropped.has(line));
}

/** "Chapter 3: Utilities 7" two pages before "Chapter 3: Utilities 9", at the same height. */
function runsOn(line: PdfLine, other: PdfPageLines, pages: number): boolean {
  const numbers = readNumbers(line);
  if (numbers.length === 0) return false;
  return findEdgeLines(other.lines).some((candidate) => {
    if (Math.abs(candidate.y - line.y) > 2 || keyOf(candidate) !== keyOf(line)) return false;
    const theirs = readNumbers(candidate);
    return theirs.at(0) === Number(numbers.at(0)) + pages || theirs.at(-1) === Number(numbers.at(-1)) + pages;
  });
}

function readNumbers({ text }: PdfLine): number[] {
  return [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

/** Lines at the two topmost and the two lowest heights, in whatever order the page draws them. */
function findEdgeLines(lines: PdfLine[]): PdfLine[] {
  const heights = [...new Set(lines.map(({ y }) => Math.round(y)))].sort((one, other) => other - one);
  const edges = new Set([...heights.slice(0, edgeLines), ...heights.slice(-edgeLines)]);
  return lines.filter(({ y }) => edges.has(Math.round(y)));
}

function keyOf({ text }: PdfLine): string {
  const key = text.replace(/\s+/g, " ").replace(/\p{Nd}+/gu, "#");
  return /^[ivxlcdm]+$/i.test(key) ? "#" : key;
}
