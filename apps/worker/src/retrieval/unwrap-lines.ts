const cjk = /[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/;
const ended = /[.!?:;。！？：；…|]["'”’」』)）\]]*$/;
const ownLine = /^(?:#{1,6}\s|[-*+•‣・|>]|\d{1,3}[.)]\s|```| {4,}|\t)/;
const labelled = /^[^\s:：][^:：]{0,40}(?::\s|：)/;
/** Fields without a space after their separator: `Bob,12,2`. */
const delimited = /^[^,;\t]*([,;\t])(?! )[^,;\t]*\1(?! )|^[^,;\t]*\t/;
/** A block of code, up to the text's end where it is not closed. */
const fenced = /(^```[^\n]*(?:\n(?!```)[^\n]*)*(?:\n```[^\n]*)?)/m;
/** A line that is this much of its paragraph's longest was broken by its width; a shorter one ends on purpose. */
const wrappedShare = 0.6;

/**
 * Joins the lines that a narrow page broke, so that a model reads whole sentences: with a space, and without one inside
 * Japanese. Headings, list items, tables, code and `label: value` lines keep their own line.
 */
export function unwrapLines(text: string): string {
  return text
    .split(fenced)
    .map((part, index) => (index % 2 === 1 ? part : unwrapProse(part)))
    .join("");
}

function unwrapProse(prose: string): string {
  return prose
    .split(/\n[^\S\n]*\n\s*/)
    .map(unwrapParagraph)
    .join("\n\n");
}

function unwrapParagraph(paragraph: string): string {
  const lines = paragraph.split("\n").map((line) => line.trimEnd());
  const longest = Math.max(...lines.map((line) => line.length));
  let unwrapped = lines[0] ?? "";
  for (const [index, line] of lines.slice(1).entries()) {
    const before = lines[index] ?? "";
    const wrapped =
      before.length >= longest * wrappedShare &&
      !ended.test(before) &&
      !/^(?:#{1,6}\s|\||```)/.test(before) &&
      !ownLine.test(line) &&
      line !== "" &&
      !(labelled.test(before) && labelled.test(line)) &&
      !(delimited.test(before) && delimited.test(line));
    unwrapped += wrapped ? glue(before, line.trimStart()) + line.trimStart() : `\n${line}`;
  }
  return unwrapped;
}

function glue(before: string, after: string): string {
  return cjk.test(before.slice(-1)) && cjk.test(after.slice(0, 1)) ? "" : " ";
}
