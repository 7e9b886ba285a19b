import { idempotencyKeySchema, uuidSchema } from "@genq/contract";
import { z } from "zod";

/** Every error of a route looks the same: a problem, described once. */
const problem = { $ref: "#/components/responses/Problem" } as const;

export const publicProblems = { default: problem } as const;
export const userProblems = { 401: problem, 429: problem, default: problem } as const;

export function jsonAnswer<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

/** An id in a path. One that is no UUID is answered as one that does not exist. */
export const idParams = z.object({ id: uuidSchema });

export const idempotencyHeaders = z.object({
  "idempotency-key": idempotencyKeySchema.optional().meta({
    description:
      "The same key with the same request, within 24 hours, does the work once and repeats the answer",
  }),
});

export const submitHeaders = idempotencyHeaders.extend({
  prefer: z.string().max(1000).optional().meta({
    description: "`wait=N` waits up to N seconds for the work to be done; `respond-async` does not wait",
  }),
});
