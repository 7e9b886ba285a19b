import { GenqError } from "./genq-error.ts";
import type { ApiAnswer } from "./transport.ts";

/** What this package needs of a zod schema. */
export interface Schema<Value> {
  safeParse(value: unknown): { success: true; data: Value } | { success: false; error: unknown };
}

/** @throws GenqError unexpected_answer when the answer is not what the contract says */
export function parseAnswer<Value>(answer: ApiAnswer, schema: Schema<Value>): Value {
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  throw new GenqError(
    "unexpected_answer",
    "The answer does not follow the contract of this client's version.",
    {
      status: answer.status,
      cause: parsed.error,
    },
  );
}
