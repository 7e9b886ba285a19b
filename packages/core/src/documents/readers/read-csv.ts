import { parse } from "csv-parse/sync";
import { cleanText, tidyText } from "../clean-text.ts";
import { decodeText } from "../decode-text.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { createSectionReader } from "./sections.ts";

const delimiters = [",", "\t", ";", "|"];

/**
 * Opens CSV (or TSV) as one paragraph a record, "header: value; header: value", so that a passage tells what its
 * values are. Without a header row the values stand alone. What no parser can read stays the text that it is.
 */
export function readCsv(bytes: Uint8Array, { limits }: ReaderContext): DocumentReader {
  const text = cleanText(decodeText(bytes));
  return createSectionReader(tidyText(renderRecords(text) ?? text), limits);
}

function renderRecords(text: string): string | undefined {
  let header: string[] | undefined;
  const lines: string[] = [];
  try {
    parse(text, {
      delimiter: chooseDelimiter(text),
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      trim: true,
      // Records become lines at once: as arrays they would take many times the memory.
      on_record(record: string[], { records }) {
        if (records === 1 && isHeader(record)) header = record;
        else lines.push(renderRecord(record, header));
        return null;
      },
    });
  } catch {
    return undefined;
  }
  if (lines.length === 0 && header) lines.push(header.join("; "));
  return lines.join("\n\n");
}

function renderRecord(record: string[], header: string[] | undefined): string {
  const fields = record.map((value, index) => {
    const name = header?.[index];
    return value === "" ? "" : name ? `${name}: ${value}` : value;
  });
  return fields.filter((field) => field !== "").join("; ");
}

/** A header names each column once, and not by a number. */
function isHeader(record: string[]): boolean {
  const named = record.every((name) => name !== "" && name.length <= 80 && !/^[-+]?[\d.,]+%?$/.test(name));
  return named && new Set(record).size === record.length;
}

function chooseDelimiter(text: string): string {
  const first = text.slice(0, 10_000).replace(/"(?:[^"]|"")*"/g, "");
  const line = first.trimStart().split("\n", 1)[0] ?? "";
  const counts = delimiters.map((delimiter) => line.split(delimiter).length);
  return delimiters[counts.indexOf(Math.max(...counts))] ?? ",";
}
