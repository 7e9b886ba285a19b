import { AppError } from "@genq/contract";
import mammoth from "mammoth";
import { readZipDirectory } from "../zip-directory.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { htmlToText } from "./read-html.ts";
import { createSectionReader } from "./sections.ts";

const maxEntries = 20_000;
/** Deflate can't pass 1,032; Word's own XML stays below 60. */
const maxRatio = 400;

/**
 * Opens a DOCX. Its central directory is judged before anything is inflated, and the child's memory cap stands behind it.
 * @throws AppError `document_too_large`, `document_corrupt`, `unsupported_media_type`
 */
export async function readDocx(
  bytes: Uint8Array,
  { limits, onProgress }: ReaderContext,
): Promise<DocumentReader> {
  checkArchive(bytes, limits.maxInflatedBytes);
  let html: string;
  try {
    const ignoreImages = mammoth.images.imgElement(() => Promise.resolve({ src: "" }));
    html = (await mammoth.convertToHtml({ buffer: Buffer.from(bytes) }, { convertImage: ignoreImages }))
      .value;
  } catch (error) {
    throw corrupt("The DOCX can't be read: its parts are missing or damaged.", error);
  }
  onProgress();
  return createSectionReader(htmlToText(html), limits);
}

function checkArchive(bytes: Uint8Array, maxInflatedBytes: number): void {
  const directory = readZipDirectory(bytes);
  if (!directory) {
    throw corrupt("The DOCX is damaged or cut off: its archive has no readable directory.");
  }
  const { names, inflatedBytes, largestRatio } = directory;
  if (inflatedBytes > maxInflatedBytes || largestRatio > maxRatio || names.length > maxEntries) {
    const size = Math.ceil(inflatedBytes / 1024 / 1024);
    throw new AppError(
      "document_too_large",
      `The DOCX would unpack to ${size} MiB in ${names.length} parts; the limit is ${Math.floor(maxInflatedBytes / 1024 / 1024)} MiB, ${maxEntries} parts and ${maxRatio} times its packed size.`,
    );
  }
  if (!names.some((name) => name.startsWith("word/"))) {
    throw new AppError(
      "unsupported_media_type",
      "The file is a ZIP archive, but no DOCX: it has no Word document in it.",
    );
  }
}

function corrupt(detail: string, cause?: unknown): AppError {
  return new AppError("document_corrupt", detail, { cause });
}
