import { z } from "zod";
import { textSchema, uuidSchema } from "./scalars.ts";
import { taskWebhookSchema } from "./task-webhook.ts";

export const searchLimits = { queryCharacters: 10_000, k: 100, fileIds: 100 } as const;

export const fileIdsSchema = z.array(uuidSchema).min(1).max(searchLimits.fileIds);

/** Body of `POST /search`: over the caller's own chunks. */
export const searchRequestSchema = z
  .strictObject({
    query: textSchema(searchLimits.queryCharacters).refine((text) => text.trim() !== "", "must not be blank"),
    k: z.int().min(1).max(searchLimits.k).default(10),
    file_ids: fileIdsSchema.optional(),
    min_score: z
      .number()
      .min(-1)
      .max(1)
      .optional()
      .meta({ description: "Cosine similarity below which rows are left out" }),
    webhook: taskWebhookSchema.optional(),
  })
  .meta({ id: "SearchRequest" });
export type SearchRequest = z.infer<typeof searchRequestSchema>;
/** What a client sends: fields with a default may be left out. */
export type SearchInput = z.input<typeof searchRequestSchema>;

/** A passage of one of the caller's files. `page` is null where the format has no pages. */
export const passageSchema = z.object({
  chunk_id: z.string(),
  file_id: uuidSchema,
  file_name: z.string(),
  page: z.int().nullable(),
  page_end: z.int().nullable(),
  text: z.string(),
  score: z.number().meta({ description: "Cosine similarity, -1 to 1" }),
});
export type Passage = z.infer<typeof passageSchema>;

export const searchResultSchema = z
  .object({ model: z.string(), results: z.array(passageSchema.meta({ id: "Passage" })) })
  .meta({ id: "SearchResult" });
export type SearchResult = z.infer<typeof searchResultSchema>;
