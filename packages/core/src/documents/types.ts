import type { MediaType } from "@genq/contract";

/** What reading one document may cost. All are checked in or on the child process that reads it. */
export interface ParseLimits {
  /** Pages of a paged document. */
  maxPages: number;
  /** Characters (UTF-16 units) of text in all. */
  maxCharacters: number;
  /** Inflated size of all entries of a DOCX, by its central directory. */
  maxInflatedBytes: number;
  /** V8 heap of the child. */
  maxHeapBytes: number;
  /** Resident memory of the child. */
  maxMemoryBytes: number;
  /** Longest silence of the child while a part is waited for. */
  partTimeoutMs: number;
  /** Time that the child may take in all, not counting waits for the consumer. */
  timeoutMs: number;
}

export interface ParseDocumentOptions {
  /** A local file. It is read by the child, once, from the start. */
  path: string;
  /** As `detectMediaType` told it; the child checks what the head alone could not tell. */
  mediaType: MediaType;
  /** Ends the child and makes the iteration throw `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Where to go on after a crash: parts before it are not yielded. 1 unless said. */
  firstPart?: number | undefined;
  limits?: Partial<ParseLimits> | undefined;
}

/**
 * Where a piece of a document is. A part is a page of a PDF; of a format without pages it is a section of some
 * thousand characters. The same file gives the same parts each time.
 */
export interface PartPosition {
  /** 1-based and without gaps; failed parts have one too. */
  part: number;
  /** How many parts there are. */
  parts: number;
  /** The page to cite; null where the format has no pages. */
  page: number | null;
}

export interface TextPart extends PartPosition {
  kind: "text";
  /** Well-formed Unicode without U+0000, with `\n` line ends, blank lines between blocks, `#` before headings. May be empty. */
  text: string;
  /** What the text's first character has as its offset: 0 on a page, the place in the whole text in a section. */
  charOffset: number;
}

/** A page that could not be read; the rest goes on. */
export interface FailedPart extends PartPosition {
  kind: "failed";
  /** Names the page and what was wrong with it. */
  detail: string;
}

export type DocumentPart = TextPart | FailedPart;

/** A passage of one part. A chunk never spans parts, so the page that it cites is exact. */
export interface Chunk {
  /** 0-based in the document. */
  ordinal: number;
  text: string;
  pageStart: number | null;
  pageEnd: number | null;
  /** UTF-16 offsets into the page's text (paged), or into the whole text; end exclusive. */
  charStart: number;
  charEnd: number;
  /** By the embedding model's tokenizer, without special tokens. */
  tokenCount: number;
}

/** The chunks of one part, in order; none for an empty page. Store them together: a part is what a resume repeats. */
export interface ChunkedPart extends PartPosition {
  kind: "chunked";
  chunks: Chunk[];
}

export interface ChunkOptions {
  /** Tokens that a chunk may have, at least 16. */
  maxTokens: number;
  /** Whole sentences up to this many tokens are repeated at the next chunk's start. An eighth of `maxTokens` unless said. */
  overlapTokens?: number | undefined;
  /** Ordinal of the first chunk: how many chunks the parts before `firstPart` made. 0 unless said. */
  firstOrdinal?: number | undefined;
  /** Tokens of each text, without special tokens. Called with many texts at once. */
  countTokens: (texts: string[]) => Promise<number[]>;
}
