import type { ParseLimits } from "../types.ts";

/** What became of one part: its text, or why there is none. */
export type PartText = { text: string; charOffset: number } | { failure: string };

/** A document opened in the child: parts can be read in any order, each more than once, always the same. */
export interface DocumentReader {
  parts: number;
  paged: boolean;
  /** @param part 1-based */
  read(part: number): PartText | Promise<PartText>;
}

export interface ReaderContext {
  limits: ParseLimits;
  /** Tells the parent that the child is busy, and not hanging. */
  onProgress(): void;
}
