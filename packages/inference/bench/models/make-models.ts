import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MICROSOFT, type OnnxGraph, onnxModel } from "../../mini/onnx-file.ts";
import { type BertShape, bertGraph } from "./bert-graph.ts";
import { llamaGguf } from "./gguf.ts";
import { epsilon, type KeptLogits, type LlamaShape, llamaGraph } from "./llama-graph.ts";
import { bytePairFiles, wordPieceFiles } from "./tokenizers.ts";

const bgeSmall: BertShape = {
  layers: 12,
  hidden: 384,
  heads: 12,
  inner: 1536,
  vocabulary: 30_522,
  positions: 512,
};

const smolLm: LlamaShape = {
  layers: 30,
  hidden: 576,
  heads: 9,
  keyHeads: 3,
  headSize: 64,
  inner: 1536,
  vocabulary: 49_152,
  positions: 8192,
  ropeTheta: 100_000,
};

const makers = {
  /** Files `model.onnx` and `model_quantized.onnx`. */
  "bge-small": (folder: string) => writeBert(folder, bgeSmall),
  /** Files `model_q4.onnx` and `model-q4_0.gguf`. */
  smollm2: (folder: string) => writeLlama(folder, smolLm, ["q4"]),
  /** File `model_q4.onnx`, without `num_logits_to_keep`, as most of the hub's. */
  "smollm2-all-logits": (folder: string) => writeLlama(folder, smolLm, ["q4"], "all"),
  /** File `model.onnx`. */
  "smollm2-fp32": (folder: string) => writeLlama(folder, smolLm, ["fp32"]),
} as const;

export type BenchModel = keyof typeof makers;

const home = join(import.meta.dirname, "../../../../.cache/bench-models");

/** The folder of a model with random weights in a real model's shape; made at its first use, which takes a while. */
export async function benchModel(name: BenchModel, say: (line: string) => void): Promise<string> {
  const folder = join(home, recipe(), name);
  if (existsSync(folder)) return folder;
  say(`Making ${name} in ${folder}`);
  for (const other of existsSync(home) ? readdirSync(home) : [])
    if (other !== recipe()) await rm(join(home, other), { recursive: true, force: true });
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(join(unfinished, "onnx"), { recursive: true });
  try {
    await makers[name](unfinished);
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Stands for the programs that write the models: what others wrote is deleted. */
function recipe(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(import.meta.dirname).toSorted())
    hash.update(readFileSync(join(import.meta.dirname, name)));
  return hash.digest("hex").slice(0, 12);
}

const writeJson = (folder: string, name: string, content: object) =>
  writeFile(join(folder, name), JSON.stringify(content));

async function writeOnnx(folder: string, name: string, graph: OnnxGraph): Promise<void> {
  await writeFile(join(folder, "onnx", name), onnxModel(graph, "bench", "Random weights.", [MICROSOFT]));
}

/** A BERT in the hub's layout, as floats and as bytes. */
export async function writeBert(folder: string, shape: BertShape): Promise<void> {
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeOnnx(folder, "model.onnx", bertGraph(shape, "fp32"));
  await writeOnnx(folder, "model_quantized.onnx", bertGraph(shape, "int8"));
  const { tokenizer, config } = wordPieceFiles(shape.vocabulary);
  await writeJson(folder, "tokenizer.json", tokenizer);
  await writeJson(folder, "tokenizer_config.json", config);
  await writeJson(folder, "config.json", {
    architectures: ["BertModel"],
    model_type: "bert",
    hidden_act: "gelu",
    hidden_size: shape.hidden,
    intermediate_size: shape.inner,
    max_position_embeddings: shape.positions,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    pad_token_id: 0,
    type_vocab_size: 2,
    vocab_size: shape.vocabulary,
  });
}

/** A Llama in the hub's layout, and for llama.cpp beside the 4-bit one. */
async function writeLlama(
  folder: string,
  shape: LlamaShape,
  dtypes: ("fp32" | "q4")[],
  kept: KeptLogits = "as_told",
): Promise<void> {
  const { tokenizer, config, tokens, merges } = bytePairFiles(shape.vocabulary);
  for (const dtype of dtypes)
    await writeOnnx(folder, dtype === "q4" ? "model_q4.onnx" : "model.onnx", llamaGraph(shape, dtype, kept));
  if (dtypes.includes("q4") && kept === "as_told")
    await writeFile(join(folder, "model-q4_0.gguf"), llamaGguf(shape, tokens, merges));
  const ends = { bos_token_id: 0, eos_token_id: 1, pad_token_id: 1 };
  await writeJson(folder, "tokenizer.json", tokenizer);
  await writeJson(folder, "tokenizer_config.json", config);
  await writeJson(folder, "generation_config.json", ends);
  await writeJson(folder, "config.json", {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_act: "silu",
    hidden_size: shape.hidden,
    intermediate_size: shape.inner,
    max_position_embeddings: shape.positions,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyHeads,
    head_dim: shape.headSize,
    num_hidden_layers: shape.layers,
    rms_norm_eps: epsilon,
    rope_theta: shape.ropeTheta,
    tie_word_embeddings: true,
    vocab_size: shape.vocabulary,
    ...ends,
  });
}
