import type { TextContent, TextItem } from "pdfjs-dist/types/src/display/api.d.ts";

/** A line of a PDF page, in the units of the page (1/72 inch), y upwards. */
export interface PdfLine {
  text: string;
  left: number;
  right: number;
  y: number;
  height: number;
}

/** Puts the pieces of a page together to lines, in the order in which the page draws them. */
export function readPdfLines(content: TextContent): PdfLine[] {
  const lines: PdfLine[] = [];
  let line: PdfLine | undefined;
  for (const item of content.items) {
    if (!("str" in item)) continue;
    if (item.str !== "") {
      if (line && !isSameLine(line, item)) {
        lines.push(line);
        line = undefined;
      }
      line = line ? extend(line, item) : start(item);
    }
    if (item.hasEOL && line) {
      lines.push(line);
      line = undefined;
    }
  }
  if (line) lines.push(line);
  return lines.filter(({ text }) => text.trim() !== "").map((each) => ({ ...each, text: each.text.trim() }));
}

function start(item: TextItem): PdfLine {
  const { left, y, length, height } = locate(item);
  return { text: normalize(item.str), left, right: left + length, y, height };
}

function extend(line: PdfLine, item: TextItem): PdfLine {
  const { left, length, height } = locate(item);
  return {
    text: line.text + normalize(item.str),
    left: Math.min(line.left, left),
    right: Math.max(line.right, left + length),
    y: line.y,
    height: Math.max(line.height, height),
  };
}

/** Superscripts and the like stay on the line; what lies more than its height above or below does not. */
function isSameLine(line: PdfLine, item: TextItem): boolean {
  const { y, height } = locate(item);
  return item.str.trim() === "" || Math.abs(y - line.y) <= Math.max(line.height, height, 1);
}

/** Vertical writing is turned: its columns, from right to left, are lines from the top down. */
function locate(item: TextItem): { left: number; y: number; length: number; height: number } {
  const [x, y] = [Number(item.transform[4]), Number(item.transform[5])];
  if (item.dir === "ttb") return { left: -y, y: x, length: item.height, height: item.width };
  return { left: x, y, length: item.width, height: item.height };
}

/**
 * Radicals that stand for ideographs and the forms of vertical writing become the characters that people search for.
 * Glyphs that stand for no character come as U+0000: a line of them is no text.
 */
function normalize(text: string): string {
  return text
    .replace(/\p{Cc}/gu, "")
    .replace(/[\u2e80-\u2fdf\ufe10-\ufe1f\ufe30-\ufe4f\ufb00-\ufb06]/g, (form) => form.normalize("NFKC"));
}
