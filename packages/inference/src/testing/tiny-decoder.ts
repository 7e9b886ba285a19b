import { InferenceSession } from "onnxruntime-node";
import { randomMatrix } from "../../bench/models/random-weights.ts";
import { GraphBuilder } from "../../mini/graph-builder.ts";
import { MICROSOFT, onnxModel } from "../../mini/onnx-file.ts";

const [hidden, heads, keyHeads, headSize, positions] = [32, 4, 2, 8, 512];
export const tinyVocabulary = 64;
const onnxType = { float: 1, int32: 6, float16: 10 } as const;

export interface TinyDecoderShape {
  /** `GroupQueryAttention`, which writes into the cache that it is given, or single operators that append to it. */
  attention: "grouped" | "plain";
  cache: "float" | "float16";
  /** Where a token stands: as `position_ids` say, or counted from the cache's length, which allows no gaps. */
  places: "given" | "counted";
}

/** Two layers of random attention in a decoder of the hub's layout, in memory. */
export async function tinyDecoder(shape: TinyDecoderShape): Promise<InferenceSession> {
  return await openTiny(tinyDecoderFile(shape));
}

export const openTiny = (file: Uint8Array) =>
  InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });

/** The decoder's file, with logits for each token. */
export function tinyDecoderFile(shape: TinyDecoderShape): Uint8Array {
  const b = new GraphBuilder();
  declare(b, shape);
  const table = b.floats("table", randomMatrix("table", [tinyVocabulary, hidden]), [tinyVocabulary, hidden]);
  const placed = b.floats("places", randomMatrix("places", [positions, hidden]), [positions, hidden]);
  const lengths = countTokens(b);
  const at = shape.places === "given" ? "position_ids" : lengths.newColumns;
  let sum = b.op("start", "Add", [
    b.op("words", "Gather", [table, "input_ids"]),
    b.op("where", "Gather", [placed, at]),
  ]);
  for (const layer of [0, 1]) sum = b.op(`sum${layer}`, "Add", [sum, attend(b, layer, sum, shape, lengths)]);
  b.op("logits", "MatMul", [sum, b.op("head", "Transpose", [table], { perm: [1, 0] })]);
  return onnxModel(b.graph, "tiny", "Random weights.", [MICROSOFT]);
}

function declare(b: GraphBuilder, { cache, places }: TinyDecoderShape): void {
  const { inputs, outputs } = b.graph;
  inputs.push({ name: "input_ids", type: "int64", shape: ["texts", "tokens"] });
  if (places === "given") inputs.push({ name: "position_ids", type: "int64", shape: ["texts", "tokens"] });
  inputs.push({ name: "attention_mask", type: "int64", shape: ["texts", "columns"] });
  outputs.push({ name: "logits", type: "float", shape: ["texts", "tokens", tinyVocabulary] });
  for (const name of ["0.key", "0.value", "1.key", "1.value"]) {
    const shape = (columns: string) => ["texts", keyHeads, columns, headSize];
    inputs.push({ name: `past_key_values.${name}`, type: cache, shape: shape("past") });
    outputs.push({ name: `present.${name}`, type: cache, shape: shape("present") });
  }
}

interface Lengths {
  newColumns: string;
  /** 0 where a token may look, else a large negative number. */
  mask: string;
  last: string;
  total: string;
}

function countTokens(b: GraphBuilder): Lengths {
  const one = b.ints([1], []);
  const columnsOf = (name: string) =>
    b.op(`${name}_columns`, "Gather", [b.op(`${name}_shape`, "Shape", [name]), one]);
  const total = columnsOf("attention_mask");
  const past = b.op("past", "Sub", [total, columnsOf("input_ids")]);
  const newColumns = b.op("new_columns", "Range", [past, total, one]);
  const all = b.op("all_columns", "Range", [b.ints([0], []), total, one]);
  const earlier = b.op("earlier", "LessOrEqual", [all, b.op("rows", "Unsqueeze", [newColumns, b.ints([1])])]);
  const present = b.op("is_token", "Greater", [
    b.op("mask_row", "Unsqueeze", ["attention_mask", b.ints([1, 2])]),
    b.ints([0], []),
  ]);
  const seen = b.op("seen", "ReduceSum", ["attention_mask", b.ints([1])], { keepdims: 0 });
  const toInt32 = (name: string, input: string) => b.op(name, "Cast", [input], { to: onnxType.int32 });
  return {
    newColumns,
    mask: b.op("mask", "Where", [b.op("visible", "And", [earlier, present]), b.float([0]), b.float([-1e9])]),
    last: toInt32("last", b.op("last_long", "Sub", [seen, b.ints([1])])),
    total: toInt32("total", total),
  };
}

function attend(
  b: GraphBuilder,
  layer: number,
  input: string,
  { attention, cache }: TinyDecoderShape,
  { mask, last, total }: Lengths,
): string {
  const name = (part: string) => `layer${layer}.${part}`;
  const product = (part: string, from: string, shape: readonly [number, number]) =>
    b.op(name(part), "MatMul", [from, b.floats(name(`${part}_w`), randomMatrix(name(part), shape), shape)]);
  const cast = (part: string, from: string, to: keyof typeof onnxType) =>
    b.op(name(part), "Cast", [from], { to: onnxType[to] });
  const width = heads * headSize;
  const query = product("q", input, [hidden, width]);
  const key = product("k", input, [hidden, keyHeads * headSize]);
  const value = product("v", input, [hidden, keyHeads * headSize]);
  const caches = ["key", "value"].map((kind) => `${layer}.${kind}`);
  if (attention === "grouped") {
    const parts = [query, key, value].map((part, index) => cast(`part${index}`, part, cache));
    const [mixed] = b.ops(
      [name("mixed"), ...caches.map((of) => `present.${of}`)] as const,
      "GroupQueryAttention",
      [...parts, ...caches.map((of) => `past_key_values.${of}`), last, total],
      { num_heads: heads, kv_num_heads: keyHeads, do_rotary: 0 },
      MICROSOFT,
    );
    return product("o", cast("mixed_float", mixed ?? "", "float"), [width, hidden]);
  }
  const split = (part: string, from: string, count: number) => {
    const apart = b.op(name(`${part}_apart`), "Reshape", [from, b.ints([0, 0, count, headSize])]);
    return b.op(name(`${part}_heads`), "Transpose", [apart], { perm: [0, 2, 1, 3] });
  };
  const [keys = "", values = ""] = [key, value].map((fresh, index) => {
    const of = caches[index] ?? "";
    const added = cast(`added${index}`, split(`kv${index}`, fresh, keyHeads), cache);
    const present = b.op(`present.${of}`, "Concat", [`past_key_values.${of}`, added], { axis: 2 });
    // Each head of keys serves several of the queries.
    const spread = b.op(name(`spread${index}`), "Gather", [present, b.ints([0, 0, 1, 1])], { axis: 1 });
    return cast(`float${index}`, spread, "float");
  });
  const turned = b.op(name("turned"), "Transpose", [keys], { perm: [0, 1, 3, 2] });
  const scores = b.op(name("scores"), "MatMul", [split("q", query, heads), turned]);
  const weights = b.op(name("weights"), "Softmax", [b.op(name("masked"), "Add", [scores, mask])], {
    axis: -1,
  });
  const mixed = b.op(name("mixed"), "MatMul", [weights, values]);
  const flat = b.op(name("flat"), "Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return product("o", b.op(name("rows"), "Reshape", [flat, b.ints([0, 0, width])]), [width, hidden]);
}
