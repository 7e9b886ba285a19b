import { z } from "zod";
import { textSchema } from "./scalars.ts";
import { taskWebhookSchema } from "./task-webhook.ts";

export const embeddingLimits = { texts: 256, charactersPerText: 100_000, syncTexts: 32 } as const;

/** Body of `POST /embed` and `POST /embed-async`. */
export const embedRequestSchema = z
  .strictObject({
    texts: z.array(textSchema(embeddingLimits.charactersPerText)).min(1).max(embeddingLimits.texts),
    kind: z
      .enum(["query", "passage"])
      .default("passage")
      .meta({ description: "Which side of a search the texts are on: some models prefix them differently" }),
    model: z.string().max(200).optional(),
    webhook: taskWebhookSchema.optional(),
  })
  .meta({ id: "EmbedRequest" });
export type EmbedRequest = z.infer<typeof embedRequestSchema>;
/** What a client sends: fields with a default may be left out. */
export type EmbedInput = z.input<typeof embedRequestSchema>;

export const embedResultSchema = z
  .object({
    model: z.string(),
    dimensions: z.int(),
    embeddings: z
      .array(z.array(z.number()))
      .meta({ description: "One vector per text, in order, of unit length" }),
    usage: z.object({ prompt_tokens: z.int(), truncated_tokens: z.array(z.int()) }),
  })
  .meta({ id: "EmbedResult" });
export type EmbedResult = z.infer<typeof embedResultSchema>;
