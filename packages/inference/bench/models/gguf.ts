import { epsilon, type LlamaShape, llamaMatrix, llamaTable } from "./llama-graph.ts";
import { blockSize } from "./quantize.ts";
import { transpose } from "./random-weights.ts";

/** GGUF's names for the types of values. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const STRING = 8;
const ARRAY = 9;
/** And for those of tensors. */
const F32 = 0;
const Q4_0 = 2;
/** And for those of tokens. */
const NORMAL = 1;
const CONTROL = 3;
const alignment = 32;

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
const string = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const entry = (key: string, type: number, value: Uint8Array) =>
  Buffer.concat([string(key), u32(type), value]);
const number = (key: string, value: number) => entry(key, UINT32, u32(value));
const real = (key: string, value: number) =>
  entry(key, FLOAT32, new Uint8Array(Float32Array.of(value).buffer));
const words = (key: string, value: string) => entry(key, STRING, string(value));
const list = (key: string, type: number, items: Uint8Array[]) =>
  entry(key, ARRAY, Buffer.concat([u32(type), u64(items.length), ...items]));

interface Tensor {
  name: string;
  shape: readonly number[];
  type: number;
  data: Uint8Array;
}

/** The Llama of `llamaGraph` for llama.cpp, its matrices in 4 bits (Q4_0). */
export function llamaGguf(shape: LlamaShape, tokens: readonly string[], merges: readonly string[]): Buffer {
  const entries = [
    words("general.architecture", "llama"),
    number("general.file_type", Q4_0),
    number("llama.vocab_size", shape.vocabulary),
    number("llama.block_count", shape.layers),
    number("llama.context_length", shape.positions),
    number("llama.embedding_length", shape.hidden),
    number("llama.feed_forward_length", shape.inner),
    number("llama.attention.head_count", shape.heads),
    number("llama.attention.head_count_kv", shape.keyHeads),
    number("llama.rope.dimension_count", shape.headSize),
    real("llama.rope.freq_base", shape.ropeTheta),
    real("llama.attention.layer_norm_rms_epsilon", epsilon),
    words("tokenizer.ggml.model", "gpt2"),
    words("tokenizer.ggml.pre", "default"),
    list("tokenizer.ggml.tokens", STRING, tokens.map(string)),
    list(
      "tokenizer.ggml.token_type",
      INT32,
      tokens.map((token) => u32(token.startsWith("<|") ? CONTROL : NORMAL)),
    ),
    list("tokenizer.ggml.merges", STRING, merges.map(string)),
    number("tokenizer.ggml.bos_token_id", 0),
    number("tokenizer.ggml.eos_token_id", 1),
  ];
  const tensors = llamaTensors(shape);
  let offset = 0;
  const infos = tensors.map(({ name, shape: dimensions, type, data }) => {
    const info = Buffer.concat([
      string(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset),
    ]);
    offset += data.length + padding(data.length);
    return info;
  });
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    u32(3),
    u64(tensors.length),
    u64(entries.length),
    ...entries,
    ...infos,
  ]);
  const aligned = (bytes: Uint8Array) => [bytes, Buffer.alloc(padding(bytes.length))];
  return Buffer.concat([...aligned(head), ...tensors.flatMap(({ data }) => aligned(data))]);
}

const padding = (length: number) => (alignment - (length % alignment)) % alignment;

function llamaTensors(shape: LlamaShape): Tensor[] {
  const { hidden, heads, keyHeads, headSize, inner, layers, vocabulary } = shape;
  const ones = (name: string): Tensor => ({
    name: `${name}.weight`,
    shape: [hidden],
    type: F32,
    data: new Uint8Array(new Float32Array(hidden).fill(1).buffer),
  });
  const matrix = (name: string, source: string, rows: number, columns: number): Tensor => ({
    name: `${name}.weight`,
    shape: [rows, columns],
    type: Q4_0,
    data: packBlocks(transpose(llamaMatrix(source, [rows, columns]), [rows, columns])),
  });
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const [to, from] = [`blk.${layer}`, `layers.${layer}`];
    return [
      ones(`${to}.attn_norm`),
      matrix(`${to}.attn_q`, `${from}.q_proj`, hidden, heads * headSize),
      matrix(`${to}.attn_k`, `${from}.k_proj`, hidden, keyHeads * headSize),
      matrix(`${to}.attn_v`, `${from}.v_proj`, hidden, keyHeads * headSize),
      matrix(`${to}.attn_output`, `${from}.o_proj`, heads * headSize, hidden),
      ones(`${to}.ffn_norm`),
      matrix(`${to}.ffn_gate`, `${from}.gate_proj`, hidden, inner),
      matrix(`${to}.ffn_up`, `${from}.up_proj`, hidden, inner),
      matrix(`${to}.ffn_down`, `${from}.down_proj`, inner, hidden),
    ];
  });
  const table = { name: "token_embd.weight", shape: [hidden, vocabulary], type: Q4_0 };
  return [{ ...table, data: packBlocks(llamaTable(shape)) }, ones("output_norm"), ...blocks.flat()];
}

/** Blocks of a scale in 16 bits and 32 numbers in 4, the first half of them in the lower halves of the bytes. */
function packBlocks(values: Float32Array): Uint8Array {
  const half = blockSize / 2;
  const size = 2 + half;
  const packed = new Uint8Array((values.length / blockSize) * size);
  const view = new DataView(packed.buffer);
  for (let start = 0, at = 0; start < values.length; start += blockSize, at += size) {
    const block = values.subarray(start, start + blockSize);
    const extreme = block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
    const scale = extreme / -8;
    const level = (i: number) => Math.min(15, Math.max(0, Math.round((block[i] ?? 0) / (scale || 1)) + 8));
    view.setFloat16(at, scale, true);
    for (let i = 0; i < half; i++) packed[at + 2 + i] = level(i) | (level(i + half) << 4);
  }
  return packed;
}
