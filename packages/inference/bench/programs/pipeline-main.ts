import { basename, dirname } from "node:path";
import { type DataType, env, pipeline } from "@huggingface/transformers";
import { serveProgram } from "../program.ts";

export interface PipelineOptions {
  folder: string;
  dtype: DataType;
}

/** The texts, and how many of them go into one call. */
export interface PipelineRequest {
  texts: string[];
  batch: number;
}

/** transformers.js as people use it. Answers with the vectors. */
await serveProgram<PipelineOptions, PipelineRequest>(async ({ folder, dtype }) => {
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${dirname(folder)}/`;
  const embed = await pipeline("feature-extraction", basename(folder), { dtype, device: "cpu" });
  return async ({ texts, batch }) => {
    const vectors: number[][] = [];
    for (let start = 0; start < texts.length; start += batch) {
      const output = await embed(texts.slice(start, start + batch), { pooling: "cls", normalize: true });
      vectors.push(...(output.tolist() as number[][]));
    }
    return vectors;
  };
});
