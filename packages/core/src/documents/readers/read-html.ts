import { parse } from "parse5";
import { tidyText } from "../clean-text.ts";
import { decodeText, detectEncoding, type TextEncoding } from "../decode-text.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { renderHtml } from "./html-blocks.ts";
import { createSectionReader } from "./sections.ts";

const guesses = new Set<TextEncoding>(["shift_jis", "euc-jp", "windows-1252"]);

/** Opens an HTML page as text with `#` headings, without scripts, styles and navigation. */
export function readHtml(bytes: Uint8Array, { limits }: ReaderContext): DocumentReader {
  return createSectionReader(htmlToText(decodeHtml(bytes)), limits);
}

/** HTML as text that keeps its blocks: headings, paragraphs, list items, table rows. */
export function htmlToText(html: string): string {
  const document = parse(html);
  const text = tidyText(renderHtml(document, { withNavigation: false }));
  return text === "" ? tidyText(renderHtml(document, { withNavigation: true })) : text;
}

/** What the page declares counts where its bytes leave room for doubt; wrong declarations are common. */
function decodeHtml(bytes: Uint8Array): string {
  const detected = detectEncoding(bytes);
  const head = Buffer.from(bytes.subarray(0, 2048)).toString("latin1");
  const declared = /<meta[^>]{0,200}charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1];
  if (declared === undefined || !guesses.has(detected)) return decodeText(bytes, detected);
  try {
    return new TextDecoder(declared, { fatal: true }).decode(bytes);
  } catch {
    return decodeText(bytes, detected);
  }
}
