import { AppError } from "@genq/contract";
import type { DocumentReader, PartText } from "../readers/document-reader.ts";
import type { DocumentPart, ParseLimits } from "../types.ts";

/**
 * Reads a document's parts in order.
 * @throws AppError `document_too_large`; at the end `document_no_text` when no part had text, or `document_corrupt`
 *   when none could be read
 */
export async function* streamParts(
  reader: DocumentReader,
  options: { firstPart: number; limits: ParseLimits },
): AsyncGenerator<DocumentPart> {
  let characters = 0;
  let failures = 0;
  let hasText = false;
  for (let part = options.firstPart; part <= reader.parts; part++) {
    const read = await reader.read(part);
    const position = { part, parts: reader.parts, page: reader.paged ? part : null };
    if ("failure" in read) {
      failures++;
      yield { kind: "failed", ...position, detail: read.failure };
      continue;
    }
    characters += read.text.length;
    if (characters > options.limits.maxCharacters) {
      throw new AppError(
        "document_too_large",
        `The document has more than ${options.limits.maxCharacters} characters of text.`,
      );
    }
    hasText ||= hasWords(read);
    yield { kind: "text", ...position, ...read };
  }
  // After a resume the text may lie in the parts that were not read again.
  for (let part = 1; part < options.firstPart && part <= reader.parts && !hasText; part++) {
    const read = await reader.read(part);
    if ("failure" in read) failures++;
    else hasText = hasWords(read);
  }
  if (hasText) return;
  if (failures > 0 && failures === reader.parts) {
    throw new AppError("document_corrupt", `None of the document's ${reader.parts} pages could be read.`);
  }
  throw new AppError(
    "document_no_text",
    reader.paged
      ? "The PDF has no text in it: its pages are pictures, as a scanner makes them. Text recognition (OCR) is not done; run it first and upload the result."
      : "The document has no text in it.",
  );
}

function hasWords(read: PartText): boolean {
  return "text" in read && /[\p{L}\p{N}\p{S}]/u.test(read.text);
}
