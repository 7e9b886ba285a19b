import { z } from "zod";
import { textSchema } from "./scalars.ts";
import { fileIdsSchema, passageSchema, searchLimits } from "./search.ts";
import { taskWebhookSchema } from "./task-webhook.ts";

export const generationLimits = {
  textCharacters: 200_000,
  newTokens: 4096,
  stops: 8,
  stopCharacters: 100,
} as const;

/** Body of `POST /generate` and `POST /generate-async`. */
export const generateRequestSchema = z
  .strictObject({
    text: textSchema(generationLimits.textCharacters).refine(
      (text) => text.trim() !== "",
      "must not be blank",
    ),
    system: textSchema(20_000).optional(),
    max_length: z
      .int()
      .min(1)
      .max(generationLimits.newTokens)
      .optional()
      .meta({ description: "The older name of max_new_tokens, which wins when both are given" }),
    max_new_tokens: z.int().min(1).max(generationLimits.newTokens).optional(),
    temperature: z.number().min(0).max(2).optional().meta({ description: "0 is greedy and deterministic" }),
    top_p: z.number().gt(0).max(1).optional(),
    top_k: z.int().min(1).max(1000).optional(),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .optional(),
    stop: z
      .union([
        textSchema(generationLimits.stopCharacters).min(1),
        z.array(textSchema(generationLimits.stopCharacters).min(1)).max(generationLimits.stops),
      ])
      .optional(),
    model: z.string().max(200).optional(),
    file_ids: fileIdsSchema.optional().meta({ description: "Answer from these files, with citations" }),
    search: z
      .union([
        z.boolean(),
        z.strictObject({
          k: z.int().min(1).max(searchLimits.k).optional(),
          min_score: z.number().min(-1).max(1).optional(),
        }),
      ])
      .optional()
      .meta({ description: "Answer from the caller's files, with citations" }),
    webhook: taskWebhookSchema.optional(),
  })
  .meta({ id: "GenerateRequest" });
export type GenerateRequest = z.infer<typeof generateRequestSchema>;
/** What a client sends: fields with a default may be left out. */
export type GenerateInput = z.input<typeof generateRequestSchema>;

/** A passage that the answer rests on. `index` is the number that `[n]` in the answer refers to. */
export const citationSchema = passageSchema.extend({ index: z.int().min(1) }).meta({ id: "Citation" });
export type Citation = z.infer<typeof citationSchema>;

export const generateResultSchema = z
  .object({
    generated_text: z.string(),
    finish_reason: z.enum(["stop", "length"]),
    confidence: z
      .number()
      .min(0)
      .max(1)
      .meta({ description: "Geometric mean of the generated tokens' probabilities" }),
    processing_time: z.number().meta({ description: "Seconds from the claim of the task to its answer" }),
    usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), truncated_tokens: z.int() }),
    model: z.string(),
    citations: z.array(citationSchema),
  })
  .meta({ id: "GenerateResult" });
export type GenerateResult = z.infer<typeof generateResultSchema>;
