import { AppError } from "@genq/contract";
import type { ParseLimits } from "../types.ts";
import type { DocumentReader } from "./document-reader.ts";

const sectionCharacters = 16_000;

// From the best place for a cut to the worst.
const cuts = [/\n(?=#{1,6} )/g, /\n\n/g, /\n/g, /[。！？!?.]["'”’」』）)]*\s?/g, /[\s、，,;]/g];

/** A document without pages, as sections of like size that together are the text. */
export function createSectionReader(text: string, limits: ParseLimits): DocumentReader {
  if (text.length > limits.maxCharacters) {
    throw new AppError(
      "document_too_large",
      `The document has ${text.length} characters of text; the limit is ${limits.maxCharacters}.`,
    );
  }
  const starts = splitSections(text);
  return {
    parts: starts.length,
    paged: false,
    read(part) {
      const charOffset = starts[part - 1] ?? text.length;
      return { text: text.slice(charOffset, starts[part] ?? text.length), charOffset };
    },
  };
}

/** Where sections start: before headings or blank lines where there are any in the second half of a section. */
function splitSections(text: string): number[] {
  const starts = [0];
  let start = 0;
  while (text.length - start > sectionCharacters) {
    start += findCut(text.slice(start, start + sectionCharacters));
    starts.push(start);
  }
  return starts;
}

function findCut(window: string): number {
  const half = window.length / 2;
  for (const cut of cuts) {
    let last = 0;
    for (const match of window.matchAll(cut)) last = match.index + match[0].length;
    if (last > half && last < window.length) return last;
  }
  // No natural place: only never between the halves of a surrogate pair.
  return /[\ud800-\udbff]$/.test(window) ? window.length - 1 : window.length;
}
