// Control characters that mean nothing in text, U+0000 (which Postgres refuses) among them, and byte order marks.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
const noise = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\ufeff\ufff9-\ufffb]/g;

/** Text that every store and tokenizer takes: well-formed, `\n` line ends, no control characters but tab. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?|[\u0085\u2028\v]/g, "\n")
    .replace(/[\f\u2029]/g, "\n\n")
    .replace(noise, "")
    .toWellFormed();
}

/** As `cleanText`, with no spaces at line ends and at most one blank line in a row. */
export function tidyText(text: string): string {
  return cleanText(text)
    .replace(/(?<![ \t\u00a0\u3000])[ \t\u00a0\u3000]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\n+|\n+$/g, "");
}
