import { z } from "zod";

export const uuidSchema = z.uuid();

/** RFC 3339 in UTC. */
export const timestampSchema = z.iso.datetime();

/**
 * A text that Postgres and every model can hold: lone surrogates become U+FFFD and NUL is refused, because
 * neither survives UTF-8 storage.
 */
export function textSchema(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((text) => !text.includes("\u0000"), "must not contain the NUL character (U+0000)")
    .overwrite((text) => text.toWellFormed());
}

/** A page of a list, newest first; `next_cursor` is null on the last page. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** Query parameters that every list takes. */
export const pageQuerySchema = z.object({
  cursor: z.string().max(200).optional().meta({ description: "`next_cursor` of the page before" }),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
