import { compileObject } from "./compile-object.ts";
import { compileString } from "./compile-string.ts";
import { areDisjoint } from "./disjoint.ts";
import type { Expression, Expressions } from "./expression.ts";
import { createJsonText } from "./json-text.ts";
import { type Compiler, counts, isSchema, type Schema, schemaError, typeOf } from "./schema.ts";

/** Say nothing about which values match. */
const annotations = new Set(
  "$schema $id $comment $defs definitions title description default examples deprecated readOnly writeOnly".split(
    " ",
  ),
);
const keywordsOf: Record<string, readonly string[]> = {
  object: ["properties", "required", "additionalProperties", "propertyNames"],
  array: ["items", "prefixItems", "minItems", "maxItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};
const mostDepth = 64;

/**
 * The JSON texts that match a JSON Schema, or some of them: an object has the properties that the schema names, in
 * that order. What the schema asks and this cannot promise is refused.
 * @throws InferenceError `invalid_input`, saying where
 */
export function compileSchema(expressions: Expressions, root: unknown): Expression {
  const json = createJsonText(expressions);
  let depth = 0;
  /** References that lead to the place where one is now, with nothing written in between. */
  let heads: readonly string[] = [];

  function compile(schema: unknown, path: string): Expression {
    if (depth >= mostDepth) throw schemaError(path, `is nested deeper than ${mostDepth}.`);
    depth += 1;
    try {
      return compilePart(schema, path);
    } finally {
      depth -= 1;
    }
  }

  function compilePart(schema: unknown, path: string): Expression {
    if (schema === true) return json.any();
    if (schema === false) throw schemaError(path, "no value matches false.");
    if (!isSchema(schema)) throw schemaError(path, "must be an object or a boolean.");
    if (schema["$ref"] !== undefined) return compileReference(schema, path);
    if (schema["const"] !== undefined) return compileValues(schema, [schema["const"]], "const", path);
    if (schema["enum"] !== undefined) return compileValues(schema, schema["enum"], "enum", path);
    for (const key of ["anyOf", "oneOf", "allOf"])
      if (schema[key] !== undefined) return compileGroup(schema, key, path);
    return compileTypes(schema, path);
  }

  function compileTypes(schema: Schema, path: string): Expression {
    const named = schema["type"] ?? impliedTypes(schema);
    const types: unknown[] = Array.isArray(named) ? named : [named];
    if (types.length === 0) throw schemaError(path, "type must name a type.");
    if (schema["type"] === undefined && types.length === Object.keys(keywordsOf).length) {
      refuseOthers(schema, [], path);
      return json.any();
    }
    const known = types.map((type) => {
      if (typeof type !== "string" || keywordsOf[type] === undefined)
        throw schemaError(
          path,
          `type ${JSON.stringify(type)?.slice(0, 100)} is none of ${Object.keys(keywordsOf).join(", ")}.`,
        );
      return type;
    });
    refuseOthers(schema, ["type", ...known.flatMap((type) => keywordsOf[type] ?? [])], path);
    return expressions.either(...known.map((type) => compileType(type, schema, path)));
  }

  function compileType(type: string, schema: Schema, path: string): Expression {
    switch (type) {
      case "object":
        return inside(() => compileObject(compiler, schema, path));
      case "array":
        return inside(() => compileArray(schema, path));
      case "string":
        return compileString(compiler, schema, path);
      case "boolean":
        return expressions.either(expressions.literal("true"), expressions.literal("false"));
      case "null":
        return expressions.literal("null");
      default:
        return compileNumber(type === "integer", schema, path);
    }
  }

  function inside(compileContainer: () => Expression): Expression {
    const outside = heads;
    heads = [];
    const compiled = compileContainer();
    heads = outside;
    return compiled;
  }

  function compileNumber(integer: boolean, schema: Schema, path: string): Expression {
    const bound = (key: string, otherwise: number) => {
      const value = schema[key] ?? otherwise;
      if (typeof value !== "number") throw schemaError(path, `${key} must be a number.`);
      return value;
    };
    // What is written in more digits could be read as the bound itself: a little room keeps it off.
    const beside = (value: number) => (Number.isFinite(value) ? Math.max(Math.abs(value), 1) * 1e-9 : 0);
    const [over, under] = [bound("exclusiveMinimum", -Infinity), bound("exclusiveMaximum", Infinity)];
    const least = Math.max(bound("minimum", -Infinity), integer ? Math.floor(over) + 1 : over + beside(over));
    const most = Math.min(bound("maximum", Infinity), integer ? Math.ceil(under) - 1 : under - beside(under));
    return json.number({ integer, least, most });
  }

  function compileArray(schema: Schema, path: string): Expression {
    const [least, most] = counts(schema, "minItems", "maxItems", path);
    const prefix = schema["prefixItems"] ?? [];
    if (!Array.isArray(prefix)) throw schemaError(path, "prefixItems must be an array.");
    const fixed = prefix.slice(0, most).map((item, index) => compile(item, `${path}/prefixItems/${index}`));
    const rest = schema["items"] ?? true;
    // Without items of their own, a tuple's further ones are left out where they may be.
    const open =
      rest !== false && !(schema["items"] === undefined && fixed.length > 0 && least <= fixed.length);
    const item = open && most > fixed.length ? compile(rest, `${path}/items`) : undefined;
    const after = item
      ? json.list(item, least, most, fixed.length)
      : least > fixed.length
        ? expressions.never
        : expressions.empty;
    const separated = fixed.flatMap((value, index) => (index > 0 ? [json.comma, value] : [value]));
    return json.enclosed("[", expressions.sequence(...separated, after), "]");
  }

  function compileValues(schema: Schema, values: unknown, key: string, path: string): Expression {
    if (!Array.isArray(values) || values.length === 0)
      throw schemaError(path, `${key} must be a list of values.`);
    refuseOthers(schema, [key, "type"], path);
    const types = [schema["type"] ?? Object.keys(keywordsOf)].flat();
    const fitting = values.filter(
      (value) => types.includes(typeOf(value)) || (types.includes("integer") && Number.isInteger(value)),
    );
    if (fitting.length === 0) throw schemaError(path, `no value of ${key} is of the type.`);
    return expressions.either(...fitting.map((value) => expressions.literal(JSON.stringify(value))));
  }

  function compileGroup(schema: Schema, key: string, path: string): Expression {
    const options = schema[key];
    if (!Array.isArray(options) || options.length === 0)
      throw schemaError(path, `${key} must be a list of schemas.`);
    refuseOthers(schema, [key], path);
    if (key === "allOf" && options.length > 1)
      throw schemaError(path, "allOf of several schemas is not supported. Write them as one.");
    if (
      key === "oneOf" &&
      !areDisjoint(
        options.map((option) => follow(option)),
        expressions.spend,
      )
    )
      throw schemaError(
        path,
        "oneOf needs options of different types or with different constants. Use anyOf.",
      );
    return expressions.either(...options.map((option, index) => compile(option, `${path}/${key}/${index}`)));
  }

  /** Each place is compiled once, so a schema may refer to itself. */
  function compileReference(schema: Schema, path: string): Expression {
    refuseOthers(schema, ["$ref"], path);
    const target = String(schema["$ref"]);
    if (heads.includes(target)) throw schemaError(path, "refers to itself.");
    if (!expressions.isDefined(target)) {
      const found = resolve(target, path);
      const before = heads;
      heads = [...heads, target];
      expressions.define(target, expressions.never);
      expressions.define(target, compile(found, target.slice(1)));
      heads = before;
    }
    return expressions.reference(target);
  }

  function resolve(target: string, path: string): unknown {
    if (!/^#(\/|$)/.test(target))
      throw schemaError(path, `$ref "${target.slice(0, 100)}" must begin with "#/".`);
    let found: unknown = root;
    for (const part of target.split("/").slice(1)) {
      const key = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
      const isPart = (isSchema(found) || Array.isArray(found)) && Object.hasOwn(found, key);
      // An array's parts are found by their numbers as an object's are by their names.
      found = isPart ? (found as Schema)[key] : undefined;
    }
    if (found === undefined) throw schemaError(path, `$ref "${target.slice(0, 100)}" leads nowhere.`);
    return found;
  }
  function follow(schema: unknown): unknown {
    for (let steps = 0; isSchema(schema) && schema["$ref"] !== undefined && steps < mostDepth; steps += 1)
      schema = resolve(String(schema["$ref"]), "");
    return schema;
  }

  const compiler: Compiler = { expressions, json, compile };
  return compile(root, "");
}

/** A part of a URI; what is wrongly encoded names nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Keywords that were not read would not be kept: they are refused. */
function refuseOthers(schema: Schema, read: readonly string[], path: string): void {
  const other = Object.keys(schema).find((key) => !annotations.has(key) && !read.includes(key));
  if (other === undefined) return;
  const known = Object.values(keywordsOf).flat().includes(other);
  throw schemaError(
    path,
    known
      ? `"${other}" does not go with what else is said here.`
      : `"${other.slice(0, 100)}" is not supported.`,
  );
}

/** Without `type`, the types that the keywords are about; a schema without any keyword matches every value. */
function impliedTypes(schema: Schema): string[] {
  const implied = Object.entries(keywordsOf).filter(([, keywords]) =>
    keywords.some((key) => schema[key] !== undefined),
  );
  const types = (implied.length > 0 ? implied : Object.entries(keywordsOf)).map(([type]) => type);
  return implied.length > 0 && types.includes("number") ? types.filter((type) => type !== "integer") : types;
}
