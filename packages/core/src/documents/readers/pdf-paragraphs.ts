import type { PdfLine } from "./pdf-lines.ts";

const cjk = /[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/;
const listItem = /^(?:[•‣▪●○·・–—*-]\s|\(?\d{1,3}[.)]\s|[①-⑳])/;
/** The dots that lead to a page number in contents and indexes: noise to a model. */
const dotLeader = /[ \t]?\.(?:[ \t]?\.){4,}/g;
const headingRatio = 1.18;
const headingCharacters = 120;
/** How far the right margin is looked for. */
const linesAround = 30;

/**
 * Makes paragraphs of a page's lines: lines that a narrow page broke are joined (without a space in Japanese,
 * without the hyphen that broke a word), lines that their author ended stay lines, and larger print becomes `#` headings.
 */
export function joinPdfLines(lines: PdfLine[]): string {
  const bodyHeight = medianHeight(lines);
  const spacing = medianSpacing(lines);
  let text = "";
  let previous: PdfLine | undefined;
  for (const [index, line] of lines.entries()) {
    const heading = isHeading(line, bodyHeight);
    const prefix = heading && !(previous && isHeading(previous, bodyHeight)) ? "# " : "";
    if (previous) {
      const around = lines.slice(Math.max(0, index - linesAround), index + linesAround);
      text = join(text, separate(previous, line, spacing, around), prefix);
    }
    text += prefix && text === "" ? prefix + line.text : line.text;
    previous = line;
  }
  return text.replace(dotLeader, " …");
}

function join(text: string, separator: string | undefined, prefix: string): string {
  // A hyphen at the line's end goes with the break.
  return separator === undefined
    ? text.slice(0, -1)
    : text + separator + (separator === "\n\n" ? prefix : "");
}

function isHeading(line: PdfLine, bodyHeight: number): boolean {
  return line.height >= bodyHeight * headingRatio && line.text.length <= headingCharacters;
}

/** What stands between two lines: a blank line, a line end, a space, nothing; undefined where a word was broken. */
function separate(previous: PdfLine, line: PdfLine, spacing: number, around: PdfLine[]): string | undefined {
  const drop = previous.y - line.y;
  const unlike =
    Math.max(previous.height, line.height) > Math.min(previous.height, line.height) * headingRatio;
  if (unlike || drop > spacing * 1.4) return "\n\n";
  if (drop < -spacing)
    return /[.。!?！？:：]["'”’」』)）]*$/.test(previous.text) ? "\n\n" : glue(previous.text, line.text);
  if (listItem.test(line.text) || endedByAuthor(previous, line, around)) return "\n";
  return glue(previous.text, line.text);
}

function glue(before: string, after: string): string | undefined {
  if (/\p{L}[-\u00ad\u2010]$/u.test(before) && /^\p{Ll}/u.test(after)) return undefined;
  return cjk.test(before.slice(-1)) && cjk.test(after.slice(0, 1)) ? "" : " ";
}

/** The next line's first word would have fitted: the line is short because somebody ended it. */
function endedByAuthor(previous: PdfLine, line: PdfLine, around: PdfLine[]): boolean {
  const near = around.filter(({ left, right }) => left < previous.right && right > previous.left);
  const edge = Math.max(...near.map(({ right }) => right));
  const firstWord = cjk.test(line.text.slice(0, 1))
    ? line.text.slice(0, 2)
    : (/^\S+/.exec(line.text)?.[0] ?? "");
  const characterWidth = (line.right - line.left) / Math.max(1, line.text.length);
  return edge - previous.right > (firstWord.length + 2) * characterWidth;
}

function medianHeight(lines: PdfLine[]): number {
  const sorted = lines.flatMap(({ height, text }) => (height > 0 ? [{ height, weight: text.length }] : []));
  sorted.sort((one, other) => one.height - other.height);
  let rest = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  for (const { height, weight } of sorted) {
    rest -= weight;
    if (rest <= 0) return height;
  }
  return 1;
}

function medianSpacing(lines: PdfLine[]): number {
  const drops: number[] = [];
  for (const [index, line] of lines.entries()) {
    const drop = (lines[index - 1]?.y ?? 0) - line.y;
    if (index > 0 && drop > 1) drops.push(drop);
  }
  drops.sort((one, other) => one - other);
  return drops[Math.floor(drops.length / 2)] ?? Number.POSITIVE_INFINITY;
}
