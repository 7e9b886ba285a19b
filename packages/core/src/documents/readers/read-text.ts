import { tidyText } from "../clean-text.ts";
import { decodeText } from "../decode-text.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { createSectionReader } from "./sections.ts";

/** Opens plain text or Markdown, which stays as it was written. */
export function readText(bytes: Uint8Array, { limits }: ReaderContext): DocumentReader {
  return createSectionReader(tidyText(decodeText(bytes)), limits);
}
