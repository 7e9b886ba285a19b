import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BertShape, bertGraph, type EncoderKind } from "../../bench/models/bert-graph.ts";
import { wordPieceFiles } from "../../bench/models/tokenizers.ts";
import { onnxModel } from "../../mini/onnx-file.ts";
import { unigramFiles } from "./sentence-pieces.ts";

const architectures = {
  bert: "BertForSequenceClassification",
  "xlm-roberta": "XLMRobertaForSequenceClassification",
  "deberta-v2": "DebertaV2ForSequenceClassification",
} as const;

/** A folder as the hub has it: a cross-encoder with random weights, as floats and as bytes, and its own tokenizer. */
export async function writeCrossEncoder(folder: string, shape: BertShape, like: EncoderKind): Promise<void> {
  const { tokenizer, config } =
    like === "bert" ? wordPieceFiles(shape.vocabulary) : unigramFiles(like, shape.positions);
  await mkdir(join(folder, "onnx"), { recursive: true });
  for (const [name, dtype] of [["model", "fp32"] as const, ["model_quantized", "int8"] as const]) {
    const graph = bertGraph(shape, dtype, "logits", like);
    await writeFile(join(folder, `onnx/${name}.onnx`), onnxModel(graph, "cross-encoder", "Random weights."));
  }
  const files = {
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
    "config.json": {
      architectures: [architectures[like]],
      model_type: like,
      hidden_size: shape.hidden,
      max_position_embeddings: shape.positions + (like === "xlm-roberta" ? 2 : 0),
      num_attention_heads: shape.heads,
      num_hidden_layers: shape.layers,
      id2label: { 0: "LABEL_0" },
      vocab_size: shape.vocabulary,
    },
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), JSON.stringify(content));
}
