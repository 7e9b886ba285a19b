import { AppError, type MediaType } from "@genq/contract";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";

/** Opens a document by its type. A reader's libraries are loaded only when it is used. */
export async function openDocument(
  bytes: Uint8Array,
  mediaType: MediaType,
  context: ReaderContext,
): Promise<DocumentReader> {
  if (bytes.length === 0) throw new AppError("document_empty", "The file has no bytes.");
  switch (mediaType) {
    case "application/pdf":
      return (await import("./read-pdf.ts")).readPdf(bytes, context);
    case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
      return (await import("./read-docx.ts")).readDocx(bytes, context);
    case "text/html":
      return (await import("./read-html.ts")).readHtml(bytes, context);
    case "text/csv":
      return (await import("./read-csv.ts")).readCsv(bytes, context);
    case "application/json":
      return (await import("./read-json.ts")).readJson(bytes, context);
    case "text/plain":
    case "text/markdown":
      return (await import("./read-text.ts")).readText(bytes, context);
  }
}
