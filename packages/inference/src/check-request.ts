import { z } from "zod";
import { InferenceError } from "./inference-error.ts";
import type {
  GenerateRequest,
  InferenceLimits,
  ModelRecord,
  RequestOptions,
  RerankRequest,
} from "./types.ts";

const sampling = z.object({
  messages: z.array(z.unknown()).min(1),
  maxNewTokens: z.int().min(1),
  cachePartition: z.string().min(1).max(256).optional(),
  temperature: z.number().min(0).max(100),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.int().min(0).optional(),
  minP: z.number().min(0).max(1).optional(),
  repetitionPenalty: z.number().gt(0).max(10).optional(),
  presencePenalty: z.number().min(-2).max(2).optional(),
  frequencyPenalty: z.number().min(-2).max(2).optional(),
  logitBias: z
    .record(z.string().regex(/^\d{1,9}$/, "must be a token id"), z.number().min(-100).max(100))
    .refine((bias) => Object.keys(bias).length <= 1024, "must name at most 1024 tokens")
    .optional(),
  seed: z.int().optional(),
  logprobs: z.int().min(0).max(20).optional(),
  stop: z.array(z.string()).max(64).optional(),
  stopTokenIds: z.array(z.int().min(0)).max(64).optional(),
  responseFormat: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("json_object") }),
      z.object({ type: z.literal("json_schema"), schema: z.unknown() }),
    ])
    .optional(),
});

/** @throws InferenceError `invalid_input` */
export function checkTexts(texts: readonly string[], limits: InferenceLimits): void {
  const { maxTextsPerRequest, maxTextCharacters } = limits;
  if (texts.length > maxTextsPerRequest) throw invalid(`At most ${maxTextsPerRequest} texts in one request.`);
  if (texts.some((text) => text.length > maxTextCharacters)) {
    throw invalid(`At most ${maxTextCharacters} characters in one text.`);
  }
}

/** @throws InferenceError `invalid_input` */
export function checkDimensions(record: ModelRecord, dimensions: number | undefined): void {
  const { id, dimensions: own = 0, shorterDimensions = [] } = record;
  const allowed = [own, ...shorterDimensions];
  if (dimensions === undefined || allowed.includes(dimensions)) return;
  throw invalid(`${id} gives vectors of ${allowed.join(" or ")} dimensions, not ${dimensions}.`);
}

/** @throws InferenceError `invalid_input` */
export function checkRerankRequest(
  { query, texts, topK }: Pick<RerankRequest, "query" | "texts" | "topK">,
  limits: InferenceLimits,
): void {
  checkTexts(texts, limits);
  checkTexts([query], limits);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) throw invalid("topK must be 1 or more.");
}

/** @throws InferenceError `invalid_input` */
export function checkGenerateRequest(
  request: Omit<GenerateRequest, keyof RequestOptions | "model">,
  limits: InferenceLimits,
): void {
  const checked = sampling.safeParse(request);
  if (!checked.success) throw invalid(z.prettifyError(checked.error));
  if (request.responseFormat && ((request.stop?.length ?? 0) > 0 || (request.stopTokenIds?.length ?? 0) > 0))
    throw invalid("stop and stopTokenIds do not go with responseFormat: they could cut a document.");
  checkTexts(
    request.messages.map(({ content }) => content),
    limits,
  );
}

const invalid = (message: string) => new InferenceError("invalid_input", message);
