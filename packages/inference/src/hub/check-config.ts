import { z } from "zod";
import { InferenceError } from "../inference-error.ts";
import type { ModelRecord, ModelTask } from "../types.ts";

const configSchema = z.looseObject({
  model_type: z.string().optional(),
  architectures: z.array(z.string()).optional(),
  vocab_size: z.number().optional(),
  hidden_size: z.number().optional(),
  max_position_embeddings: z.number().optional(),
  id2label: z.record(z.string(), z.string()).optional(),
});

/** The architectures whose ONNX export does what a task needs, as config.json names them. */
const architecturesOf: Record<ModelTask, { pattern: RegExp; example: string }> = {
  embedding: { pattern: /(Model|ForMaskedLM|ForPreTraining|ForCausalLM)$/, example: "BertModel" },
  generation: { pattern: /(ForCausalLM|LMHeadModel)$/, example: "LlamaForCausalLM" },
  reranking: { pattern: /ForSequenceClassification$/, example: "BertForSequenceClassification" },
};

/**
 * Holds a model's config.json against its record, before anything large is downloaded.
 * @throws InferenceError `model_unavailable` with what does not fit
 */
export function checkConfig(record: ModelRecord, config: unknown): void {
  const reason = whyUnfit(record, config);
  if (reason !== undefined)
    throw new InferenceError(
      "model_unavailable",
      `${record.id} can't be used for ${record.task}: ${reason}.`,
    );
}

function whyUnfit(record: ModelRecord, json: unknown): string | undefined {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) return `its config.json is wrong: ${z.prettifyError(parsed.error)}`;
  const { data: config } = parsed;
  const kind = config.architectures?.join(", ") ?? config.model_type ?? "of an unknown kind";
  if (config.vocab_size === undefined) return `it is ${kind}, which reads no text`;
  const { pattern, example } = architecturesOf[record.task];
  if (config.architectures && !config.architectures.some((name) => pattern.test(name)))
    return `it is ${kind}, not like ${example}`;
  const labels = Object.keys(config.id2label ?? {}).length;
  if (record.task === "reranking" && labels > 1)
    return `it tells ${labels} kinds of text apart, and a reranking model gives one score`;
  const { hidden_size: width, max_position_embeddings: longest } = config;
  if (record.dimensions !== undefined && width !== undefined && width !== record.dimensions)
    return `its vectors have ${width} dimensions, and its record says ${record.dimensions}`;
  if (longest !== undefined && longest < record.maxTokens)
    return `it reads ${longest} tokens at most, and its record says ${record.maxTokens}`;
  return undefined;
}
