import type { Expression } from "./expression.ts";
import { type Compiler, isSchema, type Schema, schemaError } from "./schema.ts";

/** An object's named properties, in the schema's order; without any, a map of any keys. */
export function compileObject(compiler: Compiler, schema: Schema, path: string): Expression {
  const { expressions, json } = compiler;
  const given = schema["properties"] ?? {};
  if (!isSchema(given)) throw schemaError(path, "properties must be an object.");
  const byEnum = Object.keys(given).length === 0 ? propertiesByEnum(schema) : undefined;
  const properties = byEnum ?? given;
  const required = schema["required"] ?? [];
  if (!Array.isArray(required)) throw schemaError(path, "required must be a list of names.");
  const missing = required.find((name) => typeof name !== "string" || !Object.hasOwn(properties, name));
  if (missing !== undefined)
    throw schemaError(
      path,
      `required names ${JSON.stringify(missing)?.slice(0, 100)}, which properties do not have.`,
    );

  const names = Object.keys(properties);
  if (names.length === 0) return compileMap(compiler, schema, path);
  // Further properties may come, but need not: they are left out, for they could repeat a name.
  const members = names.map((name) => ({
    required: required.includes(name),
    text: json.member(
      expressions.literal(JSON.stringify(name)),
      compiler.compile(
        properties[name],
        byEnum ? `${path}/additionalProperties` : `${path}/properties/${escapePointer(name)}`,
      ),
    ),
  }));
  let [first, later] = [expressions.empty, expressions.empty];
  for (const { required, text } of members.reverse()) {
    const begin = expressions.sequence(text, later);
    const goOn = expressions.sequence(json.comma, text, later);
    [first, later] = required
      ? [begin, goOn]
      : [expressions.either(first, begin), expressions.either(later, goOn)];
  }
  return json.enclosed("{", first, "}");
}

/** A map whose names are listed has them as properties: so the required ones come, and none comes twice. */
function propertiesByEnum(schema: Schema): Schema | undefined {
  const [names, values] = [schema["propertyNames"], schema["additionalProperties"] ?? true];
  if (!isSchema(names) || !Array.isArray(names["enum"]) || values === false) return undefined;
  return Object.fromEntries(names["enum"].map((name) => [String(name), values]));
}

function compileMap({ expressions, json, compile }: Compiler, schema: Schema, path: string): Expression {
  const additional = schema["additionalProperties"] ?? true;
  if (additional === false) return json.enclosed("{", expressions.empty, "}");
  const names = schema["propertyNames"] ?? true;
  if (isSchema(names) && names["type"] !== "string")
    throw schemaError(`${path}/propertyNames`, 'must have type "string" or an enum of names.');
  const key = isSchema(names) ? compile(names, `${path}/propertyNames`) : json.text();
  const value = compile(additional, `${path}/additionalProperties`);
  const members = json.list(json.member(key, value), 0, Number.POSITIVE_INFINITY);
  return json.enclosed("{", members, "}");
}

const escapePointer = (name: string) => name.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1");
