/** Writes the model `genq/mini-generator`: `node packages/inference/mini/generator/build.ts [FOLDER]`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onnxModel } from "../onnx-file.ts";
import { attentionLayers } from "./circuit.ts";
import { buildEmbedding } from "./embedding.ts";
import { buildGraph } from "./graph.ts";
import { CONTEXT, HEAD_SIZE, HIDDEN_SIZE, LAYERS, RMS_EPSILON, ROPE_THETA } from "./layout.ts";
import { BOS, buildVocabulary, END, tokenizerJson } from "./tokenizer.ts";

const DESCRIPTION =
  "genq's bundled mini generator. Not trained: hand-set weights that pick the sentence of the passages nearest to the question and copy it.";

const here = import.meta.dirname;
const folder = process.argv[2] ?? join(here, "../models/genq/mini-generator");
const frequentWords = readFileSync(join(here, "words.txt"), "utf8").trim().split(/\s+/);

function write(name: string, content: unknown): void {
  const path = join(folder, name);
  // A line for each of its 25,000 pieces would bury what else a diff or a search shows.
  const indent = name === "tokenizer.json" ? undefined : 1;
  const data = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, indent)}\n`;
  writeFileSync(path, data);
  process.stdout.write(`${path}: ${Buffer.byteLength(data)} bytes\n`);
}

const vocabulary = buildVocabulary(frequentWords);
const { tokens } = vocabulary;
const layers = attentionLayers();
const graph = buildGraph(layers, buildEmbedding(tokens, frequentWords), tokens.length);
const [bosId, endId] = [tokens.indexOf(BOS), tokens.indexOf(END)];

mkdirSync(join(folder, "onnx"), { recursive: true });
write("onnx/model.onnx", onnxModel(graph, "genq-mini-generator", DESCRIPTION));
write("tokenizer.json", tokenizerJson(vocabulary));
write("tokenizer_config.json", {
  tokenizer_class: "PreTrainedTokenizerFast",
  model_max_length: CONTEXT,
  clean_up_tokenization_spaces: false,
  padding_side: "left",
  bos_token: BOS,
  eos_token: END,
  pad_token: END,
  chat_template: readFileSync(join(here, "chat-template.jinja"), "utf8"),
});
write("config.json", {
  _description: DESCRIPTION,
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: tokens.length,
  hidden_size: HIDDEN_SIZE,
  intermediate_size: 8,
  num_hidden_layers: LAYERS,
  num_attention_heads: Math.max(...layers.map(({ heads }) => heads)),
  num_key_value_heads: 1,
  head_dim: HEAD_SIZE,
  max_position_embeddings: CONTEXT,
  rope_theta: ROPE_THETA,
  rms_norm_eps: RMS_EPSILON,
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: false,
  use_cache: true,
  bos_token_id: bosId,
  eos_token_id: endId,
  pad_token_id: endId,
  torch_dtype: "float32",
});
write("generation_config.json", {
  bos_token_id: bosId,
  eos_token_id: endId,
  pad_token_id: endId,
  do_sample: false,
  max_new_tokens: 256,
});
