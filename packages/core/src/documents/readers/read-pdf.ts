import { createRequire } from "node:module";
import path from "node:path";
import { AppError } from "@genq/contract";
import { getDocument, type PDFDocumentProxy, VerbosityLevel } from "pdfjs-dist/legacy/build/pdf.mjs";
import { tidyText } from "../clean-text.ts";
import type { DocumentReader, PartText, ReaderContext } from "./document-reader.ts";
import { countComplaints } from "./pdf-complaints.ts";
import { type PdfLine, readPdfLines } from "./pdf-lines.ts";
import { joinPdfLines } from "./pdf-paragraphs.ts";
import {
  choosePagesToSample,
  dropRepeatedLines,
  findRepeatedLines,
  type PdfPageLines,
} from "./repeated-lines.ts";

/** How many pages before and after are looked at for running headers: left and right pages may differ. */
const neighbours = 2;

/**
 * Opens a PDF. A broken cross-reference table is rebuilt where pdf.js can; a file that was cut off has lost its trailer,
 * and is refused.
 * @throws AppError `document_encrypted`, `document_corrupt`, `document_too_large`
 */
export async function readPdf(bytes: Uint8Array, context: ReaderContext): Promise<DocumentReader> {
  const complaints = countComplaints();
  const pdf = await openPdf(bytes);
  if (pdf.numPages > context.limits.maxPages) {
    throw new AppError(
      "document_too_large",
      `The PDF has ${pdf.numPages} pages; the limit is ${context.limits.maxPages}.`,
    );
  }
  const sampled = new Map<number, PdfLine[]>();
  for (const page of choosePagesToSample(pdf.numPages)) {
    const lines = await readPage(pdf, page, complaints).catch(() => undefined);
    if (lines) sampled.set(page, lines);
    context.onProgress();
  }
  const repeated = findRepeatedLines([...sampled.values()]);
  const recent = new Map<number, PdfLine[]>();

  async function readCached(page: number): Promise<PdfLine[]> {
    const known = sampled.get(page) ?? recent.get(page);
    if (known) return known;
    const lines = await readPage(pdf, page, complaints);
    recent.set(page, lines);
    for (const old of recent.keys()) if (recent.size > neighbours * 2 + 1) recent.delete(old);
    return lines;
  }

  async function readAround(page: number): Promise<PdfPageLines[]> {
    const around: PdfPageLines[] = [];
    for (
      let other = Math.max(1, page - neighbours);
      other <= Math.min(pdf.numPages, page + neighbours);
      other++
    ) {
      const lines = other === page ? undefined : await readCached(other).catch(() => undefined);
      if (lines) around.push({ page: other, lines });
    }
    return around;
  }

  return {
    parts: pdf.numPages,
    paged: true,
    async read(part): Promise<PartText> {
      try {
        const lines = await readCached(part);
        const kept = dropRepeatedLines({ page: part, lines }, repeated, await readAround(part));
        return { text: tidyText(joinPdfLines(kept)), charOffset: 0 };
      } catch (error) {
        return { failure: `Page ${part} could not be read: ${describe(error)}` };
      }
    },
  };
}

async function openPdf(data: Uint8Array): Promise<PDFDocumentProxy> {
  const resources = path.dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
  try {
    return await getDocument({
      data,
      // Japanese, Chinese and Korean fonts that are not embedded name their character maps only.
      cMapUrl: path.join(resources, "cmaps") + path.sep,
      cMapPacked: true,
      standardFontDataUrl: path.join(resources, "standard_fonts") + path.sep,
      useSystemFonts: false,
      disableFontFace: true,
      // A page with broken content is to fail, and not to look like a page with little text.
      stopAtErrors: true,
      verbosity: VerbosityLevel.INFOS,
    }).promise;
  } catch (error) {
    throw refuse(error);
  }
}

/** A page that has no text, and about which pdf.js complained, is damaged and not blank. */
async function readPage(pdf: PDFDocumentProxy, number: number, complaints: () => number): Promise<PdfLine[]> {
  const complaintsBefore = complaints();
  const page = await pdf.getPage(number);
  try {
    const lines = readPdfLines(await page.getTextContent());
    if (lines.length === 0 && complaints() > complaintsBefore) throw new Error("its content is damaged");
    return lines;
  } finally {
    page.cleanup();
  }
}

function refuse(cause: unknown): AppError {
  if (cause instanceof Error && cause.name === "PasswordException") {
    return new AppError(
      "document_encrypted",
      "The PDF needs a password. Save it without one and upload it again.",
      { cause },
    );
  }
  return new AppError("document_corrupt", `The PDF is damaged or cut off: ${describe(cause)}`, { cause });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.?$/, ".") : "unknown error.";
}
