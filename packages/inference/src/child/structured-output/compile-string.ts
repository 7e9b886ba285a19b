import type { Expression } from "./expression.ts";
import { formats, zodPatterns } from "./formats.ts";
import { compilePattern, PatternError } from "./pattern.ts";
import { type Compiler, counts, type Schema, schemaError } from "./schema.ts";

/** A string of so many characters, or one that a pattern describes. A pattern says more than a format beside it. */
export function compileString(compiler: Compiler, schema: Schema, path: string): Expression {
  const { format, pattern } = schema;
  if (format === undefined && pattern === undefined) {
    const [least, most] = counts(schema, "minLength", "maxLength", path);
    return compiler.json.text(least, most);
  }
  const known = typeof format === "string" && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (format !== undefined && known === undefined && pattern === undefined)
    throw schemaError(path, `format must be one of ${Object.keys(formats).join(", ")}.`);
  if (pattern !== undefined && typeof pattern !== "string")
    throw schemaError(path, "pattern must be a string.");
  for (const key of ["minLength", "maxLength"])
    if (schema[key] !== undefined)
      throw schemaError(
        path,
        `${key} does not go with a pattern or format. Say it in a pattern, as in ^a{1,9}$.`,
      );
  try {
    const isKnown = pattern === undefined || (known !== undefined && zodPatterns.has(pattern));
    return compilePattern(compiler, isKnown ? `^(?:${known})$` : pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw schemaError(path, `pattern ${error.message}.`);
  }
}
