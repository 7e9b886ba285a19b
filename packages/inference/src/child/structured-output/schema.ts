import { InferenceError } from "../../inference-error.ts";
import type { Expression, Expressions } from "./expression.ts";
import type { JsonText } from "./json-text.ts";

export type Schema = Readonly<Record<string, unknown>>;

export interface Compiler {
  readonly expressions: Expressions;
  readonly json: JsonText;
  compile(schema: unknown, path: string): Expression;
}

export const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The name that JSON Schema has for its type. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

export function counts(schema: Schema, leastKey: string, mostKey: string, path: string): [number, number] {
  const count = (key: string, otherwise: number) => {
    const value = schema[key] ?? otherwise;
    if (value !== otherwise && !(typeof value === "number" && Number.isSafeInteger(value) && value >= 0))
      throw schemaError(path, `${key} must be a whole number from 0.`);
    return Number(value);
  };
  const [least, most] = [count(leastKey, 0), count(mostKey, Number.POSITIVE_INFINITY)];
  if (least > most) throw schemaError(path, `${leastKey} is larger than ${mostKey}.`);
  return [least, most];
}

/** @param path of the schema's part, as a JSON Pointer */
export function schemaError(path: string, problem: string): InferenceError {
  return new InferenceError(
    "invalid_input",
    `responseFormat.schema${path === "" ? "" : ` at ${path}`}: ${problem}`,
  );
}
