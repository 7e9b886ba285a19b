import type { Spend } from "./expression.ts";
import { isSchema, typeOf } from "./schema.ts";

/** Whether no value matches two of the schemas: they have different types, or a property with different constants. */
export function areDisjoint(schemas: readonly unknown[], spend: Spend): boolean {
  return schemas.every((one, index) =>
    schemas.slice(index + 1).every((other) => {
      spend(sizeOf(one) + sizeOf(other));
      return differ(one, other);
    }),
  );
}

function differ(one: unknown, other: unknown): boolean {
  const [types, otherTypes] = [typesOf(one), typesOf(other)];
  if (types && otherTypes && types.every((type) => !otherTypes.includes(type))) return true;
  const [values, otherValues] = [valuesOf(one), valuesOf(other)];
  if (values && otherValues) return values.every((value) => !otherValues.includes(value));
  const [properties, otherProperties] = [requiredOf(one), requiredOf(other)];
  return Object.keys(properties).some((name) => {
    const [here, there] = [valuesOf(properties[name]), valuesOf(otherProperties[name])];
    return here && there && here.every((value) => !there.includes(value));
  });
}

/** An integer is a number. */
function typesOf(schema: unknown): string[] | undefined {
  const type = isSchema(schema) ? schema["type"] : undefined;
  if (type === undefined) return valuesOf(schema)?.map((value) => typeOf(JSON.parse(value)));
  return [type].flat().map((name) => (name === "integer" ? "number" : String(name)));
}

function valuesOf(schema: unknown): string[] | undefined {
  if (!isSchema(schema)) return undefined;
  const values = schema["const"] !== undefined ? [schema["const"]] : schema["enum"];
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined;
}

function requiredOf(schema: unknown): Readonly<Record<string, unknown>> {
  if (!isSchema(schema) || !isSchema(schema["properties"]) || !Array.isArray(schema["required"])) return {};
  const required: unknown[] = schema["required"];
  return Object.fromEntries(Object.entries(schema["properties"]).filter(([name]) => required.includes(name)));
}

/** Values and properties that a comparison looks at. */
function sizeOf(schema: unknown): number {
  const properties = isSchema(schema) && isSchema(schema["properties"]) ? schema["properties"] : {};
  const values = isSchema(schema) && Array.isArray(schema["enum"]) ? schema["enum"].length : 1;
  return values + Object.keys(properties).length;
}
