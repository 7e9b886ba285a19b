import { z } from "zod";
import { answerSchema } from "./answer-schema.ts";
import { textSchema } from "./scalars.ts";
import { fileIdsSchema, passageSchema, searchLimits } from "./search.ts";
import { taskWebhookSchema } from "./task-webhook.ts";

export const generationLimits = {
  textCharacters: 200_000,
  newTokens: 4096,
  stops: 8,
  stopCharacters: 100,
  stopTokens: 64,
  biasedTokens: 1024,
  topLogprobs: 20,
} as const;

const penaltySchema = z.number().min(-2).max(2);

/** OpenAI's shape. */
export const responseFormatSchema = z
  .discriminatedUnion("type", [
    z.strictObject({ type: z.literal("text") }),
    z.strictObject({ type: z.literal("json_object") }),
    z.strictObject({
      type: z.literal("json_schema"),
      json_schema: z.strictObject({
        name: z.string().max(64).optional(),
        description: z.string().max(1000).optional(),
        strict: z.boolean().optional().meta({ description: "An answer always matches, also without this" }),
        schema: answerSchema,
      }),
    }),
  ])
  .meta({
    description:
      "The answer is always a whole JSON text that matches, brought to its end within max_new_tokens. Supported of JSON Schema: type, enum, const, properties, required, additionalProperties, propertyNames, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern (without look-around), format (date, time, date-time, duration, email, hostname, ipv4, ipv6, uri, uuid), minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, oneOf of options that exclude each other, $ref within the schema. Other keywords are refused. An object has the named properties and no others",
  });
export type ResponseFormat = z.infer<typeof responseFormatSchema>;

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
    min_p: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: "Least share of the likeliest token's probability" }),
    repetition_penalty: z
      .number()
      .gt(0)
      .max(10)
      .optional()
      .meta({ description: "Above 1, tokens of the prompt and the answer become less likely" }),
    presence_penalty: penaltySchema.optional().meta({ description: "Off each token that the answer has" }),
    frequency_penalty: penaltySchema
      .optional()
      .meta({ description: "Off a token for each time that the answer has it" }),
    logit_bias: z
      .record(z.string().regex(/^\d{1,9}$/, "must be a token id"), z.number().min(-100).max(100))
      .refine(
        (bias) => Object.keys(bias).length <= generationLimits.biasedTokens,
        `must name at most ${generationLimits.biasedTokens} tokens`,
      )
      .optional()
      .meta({ description: "Token id to what is added to its logit" }),
    logprobs: z.boolean().optional().meta({ description: "Tell each token's log probability" }),
    top_logprobs: z
      .int()
      .min(0)
      .max(generationLimits.topLogprobs)
      .optional()
      .meta({ description: "And those of so many likeliest tokens in its place; needs logprobs" }),
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
    stop_token_ids: z
      .array(z.int().min(0))
      .max(generationLimits.stopTokens)
      .optional()
      .meta({ description: "Tokens that end the answer, besides the model's own" }),
    response_format: responseFormatSchema.optional(),
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
  .refine(({ logprobs, top_logprobs }) => logprobs || top_logprobs === undefined, {
    path: ["top_logprobs"],
    message: "needs logprobs to be true",
  })
  .refine(
    ({ response_format: format, stop, stop_token_ids: ids }) =>
      format === undefined ||
      format.type === "text" ||
      ((stop?.length ?? 0) === 0 && (ids?.length ?? 0) === 0),
    {
      path: ["response_format"],
      message: "does not go with stop and stop_token_ids: they could cut a document",
    },
  )
  .meta({ id: "GenerateRequest" });
export type GenerateRequest = z.infer<typeof generateRequestSchema>;
/** What a client sends: fields with a default may be left out. */
export type GenerateInput = z.input<typeof generateRequestSchema>;

/** A passage that the answer rests on. `index` is the number that `[n]` in the answer refers to. */
export const citationSchema = passageSchema.extend({ index: z.int().min(1) }).meta({ id: "Citation" });
export type Citation = z.infer<typeof citationSchema>;

const tokenLogprobSchema = z.object({
  token: z.string().meta({ description: "A part of a character shows as U+FFFD" }),
  logprob: z.number().meta({ description: "Natural logarithm, by the model alone" }),
});

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
    logprobs: z
      .object({
        content: z.array(tokenLogprobSchema.extend({ top_logprobs: z.array(tokenLogprobSchema) })),
      })
      .optional()
      .meta({ description: "One entry for each token, when the request asks for logprobs" }),
    model: z.string(),
    citations: z.array(citationSchema).meta({
      description:
        "The passages that the answer names by [n]. All that it was given when it names none, but none when the bundled model says that they do not tell",
    }),
  })
  .meta({ id: "GenerateResult" });
export type GenerateResult = z.infer<typeof generateResultSchema>;
