import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BertShape, bertGraph, type EncoderKind } from "../../bench/models/bert-graph.ts";
import { wordPieceFiles } from "../../bench/models/tokenizers.ts";
import { onnxModel } from "../../mini/onnx-file.ts";
import { weightsFile } from "../hub/model-file-list.ts";
import { unigramFiles } from "./sentence-pieces.ts";

const names = { bert: "Bert", "xlm-roberta": "XLMRoberta", "deberta-v2": "DebertaV2" } as const;
const dtypes = { fp32: "fp32", fp16: "fp16", q8: "int8" } as const;
export type EncoderDtype = keyof typeof dtypes;

/** A folder as the hub has it: an encoder with random weights, or with one score for a text, and its kind's tokenizer. */
export async function writeHubEncoder(
  folder: string,
  shape: BertShape,
  { like, scores, dtype }: { like: EncoderKind; scores: boolean; dtype: EncoderDtype },
): Promise<void> {
  const { tokenizer, config } =
    like === "bert" ? wordPieceFiles(shape.vocabulary) : unigramFiles(like, shape.positions);
  await mkdir(join(folder, "onnx"), { recursive: true });
  const graph = bertGraph(shape, dtypes[dtype], scores ? "logits" : "last_hidden_state", like);
  await writeFile(join(folder, weightsFile(dtype)), onnxModel(graph, "encoder", "Random weights."));
  const files = {
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
    "config.json": {
      architectures: [`${names[like]}${scores ? "ForSequenceClassification" : "Model"}`],
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
