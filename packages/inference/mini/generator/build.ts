/** Writes the model `genq/mini-generator` but for its tokenizer: `node packages/inference/mini/generator/build.ts [FOLDER]`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onnxModel } from "../onnx-file.ts";
import { buildLayers } from "./circuit.ts";
import { buildEmbedding } from "./embedding.ts";
import { modelFolder, readTokens } from "./files.ts";
import { buildGraph } from "./graph.ts";
import { CONTEXT, HEAD_SIZE, HIDDEN_SIZE, INNER, LAYERS, RMS_EPSILON, ROPE_THETA } from "./layout.ts";
import { readRelevance } from "./relevance.ts";
import { BOS, END } from "./tokenizer.ts";

const DESCRIPTION =
  "genq's bundled mini generator: trained to pick the sentence of the passages that answers the question; hand-set weights copy it.";

const here = import.meta.dirname;
const folder = process.argv[2] ?? modelFolder;

function write(name: string, content: unknown): void {
  const path = join(folder, name);
  const data = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, 1)}\n`;
  writeFileSync(path, data);
  process.stdout.write(`${path}: ${Buffer.byteLength(data)} bytes\n`);
}

const tokens = readTokens();
const relevance = readRelevance(tokens.length);
const layers = buildLayers(relevance);
const graph = buildGraph(layers, buildEmbedding(tokens, relevance), tokens.length);
const [bosId, endId] = [tokens.indexOf(BOS), tokens.indexOf(END)];

mkdirSync(join(folder, "onnx"), { recursive: true });
write("onnx/model.onnx", onnxModel(graph, "genq-mini-generator", DESCRIPTION));
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
  intermediate_size: INNER + 1,
  num_hidden_layers: LAYERS,
  num_attention_heads: Math.max(...layers.map(({ attention }) => attention.heads)),
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
