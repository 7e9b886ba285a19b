import { tidyText } from "../clean-text.ts";
import { decodeText } from "../decode-text.ts";
import type { DocumentReader, ReaderContext } from "./document-reader.ts";
import { createSectionReader } from "./sections.ts";

const namedKeys = 8;

/**
 * Opens JSON as one line a value, "path.to[0].key: value", with a blank line between the elements of a list of
 * objects. Nesting may be of any depth: nothing here recurses. What is not valid JSON stays the text that it is.
 */
export function readJson(bytes: Uint8Array, { limits }: ReaderContext): DocumentReader {
  const text = decodeText(bytes);
  return createSectionReader(tidyText(renderJson(text) ?? text), limits);
}

interface PathNode {
  parent: PathNode | undefined;
  key: string;
}

interface Visit {
  value: unknown;
  path: PathNode | undefined;
  blankBefore: boolean;
}

function renderJson(text: string): string | undefined {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return undefined;
  }
  const lines: string[] = [];
  const stack: Visit[] = [{ value: root, path: undefined, blankBefore: false }];
  for (let visit = stack.pop(); visit; visit = stack.pop()) {
    const { value, path } = visit;
    if (visit.blankBefore) lines.push("");
    if (typeof value === "object" && value !== null) pushChildren(stack, value, path);
    else if (value !== null && value !== "") lines.push(renderLeaf(value, path));
  }
  return lines.join("\n");
}

function pushChildren(stack: Visit[], value: object, parent: PathNode | undefined): void {
  const isList = Array.isArray(value);
  const children = Object.entries(value).map(([key, child]: [string, unknown]) => ({
    value: child,
    path: { parent, key: isList ? `[${key}]` : key },
    blankBefore: isList && typeof child === "object" && child !== null,
  }));
  for (const child of children.reverse()) stack.push(child);
}

function renderLeaf(value: unknown, path: PathNode | undefined): string {
  const keys: string[] = [];
  let node = path;
  for (; node && keys.length < namedKeys; node = node.parent) keys.push(node.key);
  if (keys.length === 0) return String(value);
  const named = keys.reverse().join(".").replaceAll(".[", "[");
  return `${node ? "…" : ""}${named}: ${String(value)}`;
}
