import { AppError, type MediaType } from "@genq/contract";
import { fileTypeFromBuffer } from "file-type";
import { decodeText, detectEncoding } from "./decode-text.ts";
import { detectTextKind } from "./text-kind.ts";
import { readZipHeadNames } from "./zip-directory.ts";

/** How many of a file's first bytes `detectMediaType` wants to see. More does no harm. */
export const detectionHeadBytes = 64 * 1024;

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const supported = "Supported are PDF, DOCX, plain text, Markdown, HTML, CSV and JSON.";

// Formats that are text themselves, so that their signature means what it says. Other signatures are a few letters
// ("BM", "MZ", "ID3") with which honest text may begin.
const textualSignatures = new Set([
  "application/rtf",
  "application/postscript",
  "application/xml",
  "image/svg+xml",
]);

export interface DetectionHint {
  /** The name given by the user: decides between kinds of text, and nothing else. */
  name?: string | undefined;
  /** Whether `head` is the whole file. */
  complete: boolean;
}

/**
 * Tells a document's type by its content.
 * @param head the first `detectionHeadBytes` of the file, or all of it when it is shorter
 * @throws AppError `document_empty`, or `unsupported_media_type` with what the file is
 */
export async function detectMediaType(head: Uint8Array, hint: DetectionHint): Promise<MediaType> {
  if (head.length === 0) throw new AppError("document_empty", "The file has no bytes.");
  const text = readAsText(head);
  const signature = await detectSignature(head);
  if (signature === "application/pdf" || hasPdfMark(head, text)) return "application/pdf";
  if (signature === "application/x-cfb") throw refuseOldOffice(head);
  if (isZip(head)) return detectZipKind(head, signature, hint);
  if (signature !== undefined && (text === undefined || textualSignatures.has(signature))) {
    if (!(signature === "application/xml" && text !== undefined && /<html[\s>]/i.test(text))) {
      throw refuse(`The file is ${signature} by its content.`);
    }
  }
  if (text === undefined) throw refuse("The file is binary, and of no known type.");
  if (text.trim() === "" && hint.complete)
    throw new AppError("document_empty", "The file has only white space.");
  return detectTextKind(text, hint.name, hint.complete);
}

function refuse(what: string): AppError {
  return new AppError("unsupported_media_type", `${what} ${supported}`);
}

/** The container of Word before 2007, and of an OOXML file with a password. */
function refuseOldOffice(head: Uint8Array): AppError {
  const isEncrypted = Buffer.from(head).includes(Buffer.from("EncryptedPackage", "utf16le"));
  return isEncrypted
    ? new AppError(
        "document_encrypted",
        "The document needs a password. Save it without one and upload it again.",
      )
    : refuse("The file is of an Office version before 2007.");
}

async function detectSignature(head: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(head))?.mime;
  } catch {
    // The head may end within a structure that file-type follows.
    return undefined;
  }
}

/** Readers of PDF accept up to 1,024 bytes before the mark; text that merely tells of "%PDF-" is no PDF. */
function hasPdfMark(head: Uint8Array, text: string | undefined): boolean {
  const start = Buffer.from(head.subarray(0, 1024)).toString("latin1");
  return /^\s*%PDF-\d/.test(start) || (text === undefined && /%PDF-\d\.\d/.test(start));
}

function isZip(head: Uint8Array): boolean {
  const signature = Buffer.from(head.subarray(0, 4)).toString("latin1");
  return signature === "PK\x03\x04" || signature === "PK\x05\x06";
}

function detectZipKind(head: Uint8Array, signature: string | undefined, hint: DetectionHint): MediaType {
  const names = readZipHeadNames(head);
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix));
  if (has("word/") || signature === docx) return docx;
  if (has("xl/")) throw refuse("The file is an XLSX workbook.");
  if (has("ppt/")) throw refuse("The file is a PPTX presentation.");
  if (signature !== undefined && signature !== "application/zip")
    throw refuse(`The file is ${signature} by its content.`);
  // An OOXML file whose main part lies beyond the head: reading it will tell.
  if (!hint.complete && (has("[Content_Types].xml") || has("_rels/"))) return docx;
  if (!hint.complete && /\.docx$/i.test(hint.name ?? "")) return docx;
  throw refuse("The file is a ZIP archive.");
}

/** The head as text, or undefined when it is binary: too many control characters, or bytes that are no character. */
function readAsText(head: Uint8Array): string | undefined {
  const text = decodeText(head, detectEncoding(head));
  let strange = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const control = code < 32 && code !== 9 && code !== 10 && code !== 12 && code !== 13 && code !== 27;
    if (control || code === 0xfffd || (code >= 0x7f && code < 0xa0)) strange++;
  }
  return strange > Math.max(2, text.length * 0.01) ? undefined : text;
}
