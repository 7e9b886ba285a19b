import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chatTemplateFile, weightsFile } from "../hub/model-file-list.ts";
import { type HubLayout, hubShape } from "./hub-builder.ts";
import { hubDecoder } from "./hub-decoder.ts";
import { type BytePairKind, bytePairFiles, chatTemplate } from "./sentence-pieces.ts";

/** A folder as the hub has it: a Llama with random weights and a SentencePiece tokenizer. */
export async function writeHubDecoder(folder: string, layout: HubLayout, kind: BytePairKind): Promise<void> {
  const { tokenizer, config, tokens } = bytePairFiles(kind);
  const ends = { bos_token_id: 1, eos_token_id: 2, pad_token_id: 2 };
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, weightsFile(layout.dtype)), hubDecoder(layout, tokens.length));
  const files = {
    "tokenizer.json": tokenizer,
    "tokenizer_config.json": config,
    "generation_config.json": ends,
    "config.json": {
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      hidden_size: hubShape.hidden,
      max_position_embeddings: hubShape.positions,
      num_attention_heads: hubShape.heads,
      num_key_value_heads: hubShape.keyHeads,
      head_dim: hubShape.headSize,
      num_hidden_layers: hubShape.layers,
      vocab_size: tokens.length,
      ...ends,
    },
  };
  if (!("chat_template" in config)) await writeFile(join(folder, chatTemplateFile), chatTemplate);
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), JSON.stringify(content));
}
