import { z } from "zod";
import type { ModelRecord } from "../types.ts";

export const dtypes = ["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"] as const;

const chunks = z.union([z.boolean(), z.number()]).transform(Number);

/** What of a model's config.json tells which files there are. */
const configSchema = z.looseObject({
  "transformers.js_config": z
    .looseObject({ use_external_data_format: z.union([chunks, z.record(z.string(), chunks)]).optional() })
    .optional(),
});

export const configFile = "config.json";
/** Where newer models have their chat template. */
export const chatTemplateFile = "chat_template.jinja";
export const generationConfigFile = "generation_config.json";
/** Files that a model may do without. */
export const optionalFiles: readonly string[] = [generationConfigFile, chatTemplateFile];

/** The weights of a dtype, as transformers.js names them. */
export function weightsFile(dtype: string): string {
  const suffix = { fp32: "", q8: "_quantized" }[dtype] ?? `_${dtype}`;
  return `onnx/model${suffix}.onnx`;
}

/** The files that a model needs beside config.json, the weights last. */
export function requiredFiles(record: ModelRecord, config: unknown): string[] {
  const weights = weightsFile(record.dtype);
  const name = weights.slice("onnx/".length);
  const external = configSchema.parse(config)["transformers.js_config"]?.use_external_data_format;
  const count = typeof external === "object" ? (external[name] ?? external["model"] ?? 0) : (external ?? 0);
  const data = Array.from(
    { length: count },
    (_, index) => `${weights}_data${index === 0 ? "" : `_${index}`}`,
  );
  return ["tokenizer.json", "tokenizer_config.json", ...data, weights];
}
