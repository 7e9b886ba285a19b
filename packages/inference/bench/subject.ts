import { availableParallelism } from "node:os";
import { createEmbeddingHost } from "../src/embedding-host.ts";
import { withDefaultLimits } from "../src/limits.ts";
import type { CallResults } from "../src/messages.ts";
import { createModelHost, type ModelHost, type ModelHostOptions } from "../src/model-host.ts";
import type { ModelRecord } from "../src/types.ts";

/** The benchmark's BERT in a process of this package. */
export function embeddingHost(folder: string, dtype: "fp32" | "q8"): ModelHost {
  return createEmbeddingHost(hostOptions(folder, embeddingRecord(dtype), 2));
}

export function embeddingRecord(dtype: "fp32" | "q8"): ModelRecord {
  return {
    id: "bench/bge-small",
    task: "embedding",
    revision: "main",
    dtype,
    source: "hub",
    dimensions: 384,
    pooling: "cls",
    normalize: true,
    maxTokens: 512,
    description: "Random weights.",
  };
}

/** The benchmark's Llama in a process of this package. */
export function generationHost(folder: string, rows: number): ModelHost {
  return createModelHost(hostOptions(folder, generationRecord, rows));
}

export const generationRecord: ModelRecord = {
  id: "bench/smollm2",
  task: "generation",
  revision: "main",
  dtype: "q4",
  source: "hub",
  maxTokens: 2048,
  description: "Random weights.",
};

function hostOptions(folder: string, record: ModelRecord, bulk: number): ModelHostOptions {
  return {
    definition: { record },
    limits: withDefaultLimits(),
    running: { interactive: 16, bulk },
    fetchFiles: () => Promise.resolve(folder),
    onStatus: () => {},
  };
}

export async function embedTexts(
  host: ModelHost,
  texts: string[],
  priority: "interactive" | "bulk" = "bulk",
): Promise<CallResults["embed"]> {
  return await host.call({ type: "embed", texts, kind: "passage", priority }, { priority });
}

export const cores = availableParallelism();
