import type { MediaType } from "@genq/contract";
import { parse } from "csv-parse/sync";

type TextMediaType = Extract<MediaType, `text/${string}` | "application/json">;

const kindsByExtension = new Map<string, TextMediaType>([
  ["txt", "text/plain"],
  ["text", "text/plain"],
  ["log", "text/plain"],
  ["md", "text/markdown"],
  ["markdown", "text/markdown"],
  ["html", "text/html"],
  ["htm", "text/html"],
  ["xhtml", "text/html"],
  ["csv", "text/csv"],
  ["tsv", "text/csv"],
  ["json", "application/json"],
]);

const htmlStart =
  /^(?:\s|<!--(?:(?!-->)[\s\S])*-->|<\?xml[^>]*\?>)*<(?:!doctype\s+html|html|head|body|title|article|main)[\s>]/i;
const jsonStart = /^\s*(?:\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\})|\[\s*(?:[[{"\]-]|\d|true|false|null))/;

/**
 * Tells which kind of text it is. HTML and JSON show by their first signs; between plain text, Markdown and CSV,
 * which any text may be, the name's extension decides, and without one a strict look at the lines.
 * @param complete whether `text` is the whole document and not its head only
 */
export function detectTextKind(text: string, name: string | undefined, complete: boolean): TextMediaType {
  const extension = name?.match(/\.([a-z0-9]{1,8})$/i)?.[1]?.toLowerCase() ?? "";
  const named = kindsByExtension.get(extension);
  if (htmlStart.test(text)) return "text/html";
  if (named === "text/html" && /<[a-z][^<>]*>/i.test(text)) return "text/html";
  if (named !== "text/markdown" && isJson(text, complete, named === "application/json"))
    return "application/json";
  if (named === "text/plain" || named === "text/markdown") return named;
  if (named === "text/csv" || (named === undefined && looksLikeCsv(text))) return "text/csv";
  return named === undefined && looksLikeMarkdown(text) ? "text/markdown" : "text/plain";
}

function isJson(text: string, complete: boolean, named: boolean): boolean {
  if (!complete) return jsonStart.test(text);
  if (!named && !jsonStart.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function looksLikeMarkdown(whole: string): boolean {
  const text = whole.slice(0, 8192);
  const signs = [
    /^#{1,6} \S/m,
    /^(?:```|~~~)/m,
    /\[[^[\]\n]{1,200}\]\([^()\s]{1,500}\)/,
    // Not `\s*`: from each line it would run over all the empty lines after it, in the api's own thread.
    /^[ \t]{0,20}[-*] \S/m,
    /\*\*\S/,
    /^\|.*\|$/m,
  ];
  return signs.filter((sign) => sign.test(text)).length >= 2;
}

/** At least three records of the same number of fields, two or more. */
function looksLikeCsv(text: string): boolean {
  const head = text.slice(0, 8192);
  const whole = head.slice(0, text.length > head.length ? head.lastIndexOf("\n") + 1 : head.length);
  return [",", "\t", ";"].some((delimiter) => {
    try {
      const records = parse(whole, { delimiter, skip_empty_lines: true });
      return records.length >= 3 && (records[0]?.length ?? 0) >= 2;
    } catch {
      return false;
    }
  });
}
