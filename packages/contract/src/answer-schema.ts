import { z } from "zod";

const mostCharacters = 65_536;
const mostDepth = 64;

const types = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const one = ["items", "additionalProperties", "propertyNames"];
const lists = ["anyOf", "oneOf", "allOf", "prefixItems"];
const read = new Set([
  ...["type", "enum", "const", "$ref", "properties", "required", ...one, ...lists],
  ...["minItems", "maxItems", "minLength", "maxLength", "pattern", "format"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
]);
const formats = "date, time, date-time, duration, email, hostname, ipv4, ipv6, uri, uuid";
/** They say nothing about which values match. */
const annotations = new Set([
  ...["$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"],
  ...["deprecated", "readOnly", "writeOnly"],
]);

/**
 * What an answer may be made to match. The model's grammar has the last word when a task runs; this tells the usual
 * mistakes at once, all of them, each at its place.
 */
export const answerSchema = z.record(z.string(), z.unknown()).superRefine((root, context) => {
  // What is nested by the thousand overflows the stack of whatever follows it.
  if (isDeeper(root, 4 * mostDepth)) {
    context.addIssue({ code: "custom", message: tooDeep });
    return;
  }
  if (JSON.stringify(root).length > mostCharacters)
    context.addIssue({
      code: "custom",
      message: `must have at most ${mostCharacters} characters`,
    });
  else
    for (const { path, message } of findMistakes(root)) context.addIssue({ code: "custom", path, message });
});

const lookAround = /\(\?<?[=!]|\\[1-9]/;
const tooDeep = `is nested deeper than ${mostDepth} schemas`;

type Path = readonly string[];
interface Place {
  schema: unknown;
  path: Path;
  depth: number;
}
interface Mistake {
  path: string[];
  message: string;
}

function findMistakes(root: unknown): Mistake[] {
  const mistakes: Mistake[] = [];
  const seen = new Set<unknown>([root]);
  const places: Place[] = [{ schema: root, path: [], depth: 1 }];
  for (const { schema, path, depth } of places) {
    if (typeof schema === "boolean") continue;
    if (!isObject(schema)) {
      mistakes.push({ path: [...path], message: "must be an object or a boolean" });
      continue;
    }
    if (depth > mostDepth) {
      mistakes.push({ path: [...path], message: tooDeep });
      continue;
    }
    const add = (key: string, message: string) => mistakes.push({ path: [...path, key], message });
    const goTo = (part: unknown, at: Path) => {
      if (isObject(part) && seen.has(part)) return;
      seen.add(part);
      places.push({ schema: part, path: at, depth: depth + 1 });
    };
    const visit = (part: unknown, ...keys: string[]) => goTo(part, [...path, ...keys]);
    for (const [key, value] of Object.entries(schema)) {
      if (annotations.has(key)) continue;
      if (!read.has(key)) add(key, "is not supported");
      else if (key === "type") {
        const unknown = [value].flat().find((name) => !types.includes(String(name)));
        if (unknown !== undefined) add(key, `must be of ${types.join(", ")}`);
      } else if (key === "format") {
        const isKnown = formats.split(", ").includes(String(value));
        if (!isKnown && schema["pattern"] === undefined) add(key, `must be one of ${formats}`);
      } else if (key === "pattern") {
        // Zod writes look-around beside some formats, which the format alone stands for.
        if (schema["format"] === undefined && lookAround.test(String(value)))
          add(key, "has look-around or a back reference, which are not supported");
      } else if (key === "$ref") {
        const target = typeof value === "string" ? resolve(root, value) : undefined;
        if (target) goTo(target.schema, target.path);
        else add(key, "leads nowhere: it must begin with #/ and name a part of this schema");
      } else if (one.includes(key)) visit(value, key);
      else if (lists.includes(key)) {
        if (Array.isArray(value))
          for (const [index, part] of value.entries()) visit(part, key, String(index));
        else add(key, "must be a list of schemas");
      } else if (key === "properties") {
        if (isObject(value)) for (const [name, part] of Object.entries(value)) visit(part, key, name);
        else add(key, "must be an object");
      }
    }
  }
  return mistakes;
}

/** @param target a JSON Pointer within the schema, as `$ref` has it */
function resolve(root: unknown, target: string): { schema: unknown; path: Path } | undefined {
  if (!/^#(\/|$)/.test(target)) return undefined;
  let schema = root;
  const path = target
    .split("/")
    .slice(1)
    .map((part) => decodePart(part));
  for (const part of path) {
    const next: unknown =
      isObject(schema) || Array.isArray(schema)
        ? Object.getOwnPropertyDescriptor(schema, part)?.value
        : undefined;
    if (next === undefined) return undefined;
    schema = next;
  }
  return { schema, path };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return part;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (depth === 0 || Object.values(value).some((part) => isDeeper(part, depth - 1)));
