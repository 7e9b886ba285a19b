import { InferenceError } from "./inference-error.ts";
import type { Device, ModelRecord, ModelTask } from "./types.ts";

/** A model's record and what only its loader needs. */
export interface ModelDefinition {
  readonly record: Readonly<ModelRecord>;
  /** Variables for the chat template. */
  readonly chatTemplateVariables?: Readonly<Record<string, unknown>>;
  /** As `InferenceOptions` has them. */
  readonly sharedPrompts?: readonly string[];
}

const hub = { revision: "main", source: "hub" } as const;
const bundled = { revision: "main", source: "bundled" } as const;
const e5 = {
  ...hub,
  task: "embedding",
  pooling: "mean",
  normalize: true,
  maxTokens: 512,
  chunkTokens: 400,
} as const;

/** Every model that genq knows how to use by itself. Vectors of two records are never compared. */
export const builtInModels: readonly ModelDefinition[] = [
  {
    record: {
      ...e5,
      id: "Xenova/multilingual-e5-small",
      license: "MIT",
      dtype: "q8",
      dimensions: 384,
      queryPrefix: "query: ",
      passagePrefix: "passage: ",
      description: "Multilingual E5 small: 100 languages, 118M parameters.",
    },
  },
  {
    record: {
      ...e5,
      id: "Xenova/multilingual-e5-base",
      license: "MIT",
      dtype: "q8",
      dimensions: 768,
      queryPrefix: "query: ",
      passagePrefix: "passage: ",
      description: "Multilingual E5 base: 100 languages, 278M parameters.",
    },
  },
  {
    record: {
      ...e5,
      id: "Xenova/bge-small-en-v1.5",
      license: "MIT",
      dtype: "q8",
      dimensions: 384,
      pooling: "cls",
      queryPrefix: "Represent this sentence for searching relevant passages: ",
      description: "BGE small 1.5: English, 33M parameters.",
    },
  },
  {
    record: {
      ...e5,
      id: "Xenova/all-MiniLM-L6-v2",
      license: "Apache-2.0",
      dtype: "q8",
      dimensions: 384,
      maxTokens: 256,
      chunkTokens: 200,
      description: "MiniLM L6: English, 23M parameters, fast.",
    },
  },
  {
    record: {
      ...e5,
      id: "Snowflake/snowflake-arctic-embed-m-v1.5",
      license: "Apache-2.0",
      dtype: "q8",
      dimensions: 768,
      shorterDimensions: [256],
      pooling: "cls",
      queryPrefix: "Represent this sentence for searching relevant passages: ",
      description: "Arctic embed medium 1.5: English, 109M parameters; its vectors may be cut to 256.",
    },
  },
  {
    record: {
      ...bundled,
      id: "genq/mini-embedder",
      license: "MIT",
      task: "embedding",
      dtype: "fp32",
      dimensions: 384,
      pooling: "mean",
      normalize: true,
      maxTokens: 2048,
      chunkTokens: 400,
      description: "Bundled: hashed character n-grams. Finds shared words and their forms, knows no meaning.",
    },
  },
  {
    record: {
      ...hub,
      id: "mixedbread-ai/mxbai-rerank-xsmall-v1",
      license: "Apache-2.0",
      task: "reranking",
      dtype: "q8",
      maxTokens: 512,
      description: "Mixedbread rerank xsmall: English, 71M parameters, fast.",
    },
  },
  {
    record: {
      ...hub,
      id: "Xenova/bge-reranker-base",
      license: "MIT",
      task: "reranking",
      dtype: "q8",
      maxTokens: 512,
      description: "BGE reranker base: Chinese and English, 278M parameters.",
    },
  },
  {
    record: {
      ...hub,
      id: "onnx-community/Qwen3-0.6B-ONNX",
      license: "Apache-2.0",
      task: "generation",
      dtype: "q4",
      maxTokens: 4096,
      description: "Qwen3 0.6B: multilingual, thinking off; 4,096 of its 32,768 tokens, to bound memory.",
    },
    chatTemplateVariables: { enable_thinking: false },
  },
  {
    record: {
      ...hub,
      id: "onnx-community/Qwen2.5-0.5B-Instruct",
      license: "Apache-2.0",
      task: "generation",
      dtype: "q4",
      maxTokens: 4096,
      description: "Qwen2.5 0.5B instruct: multilingual; 4,096 of its 32,768 tokens, to bound memory.",
    },
  },
  {
    record: {
      ...hub,
      id: "HuggingFaceTB/SmolLM2-135M-Instruct",
      license: "Apache-2.0",
      task: "generation",
      dtype: "q4",
      maxTokens: 4096,
      description: "SmolLM2 135M instruct: English, fast.",
    },
  },
  {
    record: {
      ...bundled,
      id: "genq/mini-generator",
      license: "MIT",
      task: "generation",
      dtype: "fp32",
      // Its attention is dense: 2,560 tokens take about 0.6 GB, 5,309 took 1.5 GB.
      maxTokens: 2560,
      citesAlways: true,
      description:
        "Bundled: a small Llama that copies the sentence of the passages that answers, or says that none does.",
    },
  },
];

/**
 * The definition of a known model, of any task unless said.
 * @param known the built-in ones and, where given, the operator's own
 * @throws InferenceError `model_not_found`, naming the known ones.
 */
export function findModel(id: string, task?: ModelTask, known = builtInModels): ModelDefinition {
  const fitting = known.filter(({ record }) => task === undefined || record.task === task);
  const found = fitting.find(({ record }) => record.id === id);
  if (found) return found;
  const ids = fitting.map(({ record }) => record.id).join(", ");
  throw new InferenceError(
    "model_not_found",
    `No ${task ?? "known"} model "${id}". Known: ${ids}. Another needs a record in models.json of the models' folder.`,
  );
}

/** The model on the operator's device instead of its record's, where one is given. */
export function onDevice(definition: ModelDefinition, device: Device | undefined): ModelDefinition {
  return device === undefined ? definition : { ...definition, record: { ...definition.record, device } };
}
