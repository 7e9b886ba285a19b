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
  const [left, y] = position(item);
  return { text: item.str, left, right: left + item.width, y, height: item.height };
}

function extend(line: PdfLine, item: TextItem): PdfLine {
  const [left] = position(item);
  return {
    text: line.text + item.str,
    left: Math.min(line.left, left),
    right: Math.max(line.right, left + item.width),
    y: line.y,
    height: Math.max(line.height, item.height),
  };
}

/** Superscripts and the like stay on the line; what lies more than its height above or below does not. */
function isSameLine(line: PdfLine, item: TextItem): boolean {
  const [, y] = position(item);
  return item.str.trim() === "" || Math.abs(y - line.y) <= Math.max(line.height, item.height, 1);
}

function position(item: TextItem): [number, number] {
  return [Number(item.transform[4]), Number(item.transform[5])];
}
