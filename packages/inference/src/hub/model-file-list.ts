import { z } from "zod";
import type { ModelRecord } from "../types.ts";

/** How transformers.js names the weights of each dtype. */
const suffixes: Readonly<Record<string, string>> = {
  fp32: "",
  fp16: "_fp16",
  q8: "_quantized",
  int8: "_int8",
  uint8: "_uint8",
  q4: "_q4",
  q4f16: "_q4f16",
  bnb4: "_bnb4",
};

const chunks = z.union([z.boolean(), z.number()]).transform(Number);

/** What of a model's config.json tells which files there are. */
const configSchema = z.looseObject({
  "transformers.js_config": z
    .looseObject({ use_external_data_format: z.union([chunks, z.record(z.string(), chunks)]).optional() })
    .optional(),
});

export const configFile = "config.json";
/** Files that a model may do without. */
export const optionalFiles: readonly string[] = ["generation_config.json"];

/** The files that a model needs beside config.json, the weights last. */
export function requiredFiles(record: ModelRecord, config: unknown): string[] {
  const weights = `model${suffixes[record.dtype] ?? `_${record.dtype}`}.onnx`;
  const external = configSchema.parse(config)["transformers.js_config"]?.use_external_data_format;
  const count =
    typeof external === "object" ? (external[weights] ?? external["model"] ?? 0) : (external ?? 0);
  const data = Array.from(
    { length: count },
    (_, index) => `onnx/${weights}_data${index === 0 ? "" : `_${index}`}`,
  );
  return ["tokenizer.json", "tokenizer_config.json", ...data, `onnx/${weights}`];
}
