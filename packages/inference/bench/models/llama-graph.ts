import { GraphBuilder } from "../../mini/graph-builder.ts";
import { MICROSOFT, type OnnxGraph } from "../../mini/onnx-file.ts";
import { blockSize, quantizeBlocks } from "./quantize.ts";
import { randomMatrix, transpose } from "./random-weights.ts";

export interface LlamaShape {
  layers: number;
  hidden: number;
  heads: number;
  keyHeads: number;
  headSize: number;
  inner: number;
  vocabulary: number;
  positions: number;
  ropeTheta: number;
}

const INT32 = 6;
export const epsilon = 1e-5;

/** Rows are what comes in, columns what goes out. */
type Shape = readonly [number, number];

/** The names of the matrices, their shapes and their weights, for each format that a file of them is written in. */
export function llamaMatrix(name: string, shape: Shape): Float32Array {
  return randomMatrix(name, shape);
}
/** A table of a row for each token, which is also the last matrix, turned. */
export function llamaTable({ vocabulary, hidden }: LlamaShape): Float32Array<ArrayBuffer> {
  return transpose(randomMatrix("embed_tokens", [hidden, vocabulary]), [hidden, vocabulary]);
}

/** How many logits a run gives: as its input `num_logits_to_keep` says, or one for each token. */
export type KeptLogits = "as_told" | "all";

/** A Llama with random weights as the hub's exports have it: ONNX Runtime's own operators and a key-value cache. */
export function llamaGraph(shape: LlamaShape, dtype: "fp32" | "q4", kept: KeptLogits): OnnxGraph {
  const b = new GraphBuilder();
  const { hidden, layers } = shape;
  declareInputs(b, shape, kept);
  const linear = dtype === "fp32" ? floatLinear(b) : blockLinear(b);
  const table = llamaTable(shape);
  const embed = dtype === "fp32" ? floatTable(b, shape, table) : blockTable(b, shape, table);
  const shared = { ...rotaryCaches(b, shape), ...lengths(b) };

  let sum = embed.rows;
  let normed = b.op("norm.first", "SimplifiedLayerNormalization", [sum, ones(b, hidden)], {
    axis: -1,
    epsilon: { float: epsilon },
    stash_type: 1,
  });
  const addAndNorm = (name: string, update: string) => {
    [normed, , , sum] = b.ops(
      [`${name}.norm`, "", "", `${name}.sum`] as const,
      "SkipSimplifiedLayerNormalization",
      [sum, update, ones(b, hidden)],
      { epsilon: { float: epsilon } },
      MICROSOFT,
    );
  };
  for (let layer = 0; layer < layers; layer++) {
    addAndNorm(`layers.${layer}.attention`, attend(b, layer, normed, shape, shared, linear));
    addAndNorm(`layers.${layer}.mlp`, feedForward(b, layer, normed, shape, linear));
  }
  if (kept === "all") {
    embed.logits(normed);
    return b.graph;
  }
  const from = b.op("kept_from", "Reshape", [b.op("kept", "Neg", ["num_logits_to_keep"]), b.ints([1])]);
  embed.logits(b.op("hidden_kept", "Slice", [normed, from, b.ints([2 ** 31]), b.ints([1])]));
  return b.graph;
}

function declareInputs(
  b: GraphBuilder,
  { layers, keyHeads, headSize, vocabulary }: LlamaShape,
  kept: KeptLogits,
): void {
  const { inputs, outputs } = b.graph;
  for (const name of ["input_ids", "position_ids"])
    inputs.push({ name, type: "int64", shape: ["batch_size", "sequence_length"] });
  inputs.push({ name: "attention_mask", type: "int64", shape: ["batch_size", "total_sequence_length"] });
  if (kept === "as_told") inputs.push({ name: "num_logits_to_keep", type: "int64", shape: [] });
  const rows = kept === "all" ? "sequence_length" : "kept";
  outputs.push({ name: "logits", type: "float", shape: ["batch_size", rows, vocabulary] });
  for (let layer = 0; layer < layers; layer++) {
    for (const kind of ["key", "value"]) {
      const cache = (length: string) => ["batch_size", keyHeads, length, headSize];
      inputs.push({
        name: `past_key_values.${layer}.${kind}`,
        type: "float",
        shape: cache("past_sequence_length"),
      });
      outputs.push({
        name: `present.${layer}.${kind}`,
        type: "float",
        shape: cache("total_sequence_length"),
      });
    }
  }
}

interface Shared {
  cos: string;
  sin: string;
  /** The place of each row's last token. */
  lastPlaces: string;
  total: string;
}

function rotaryCaches(
  b: GraphBuilder,
  { headSize, positions, ropeTheta }: LlamaShape,
): Pick<Shared, "cos" | "sin"> {
  const half = headSize / 2;
  const angles = Float32Array.from({ length: positions * half }, (_, i) => {
    return Math.floor(i / half) * ropeTheta ** (-(i % half) / half);
  });
  const table = (name: string, of: (angle: number) => number) =>
    b.floats(name, angles.map(of), [positions, half]);
  return { cos: table("cos_cache", Math.cos), sin: table("sin_cache", Math.sin) };
}

function lengths(b: GraphBuilder): Pick<Shared, "lastPlaces" | "total"> {
  const seen = b.op("seen", "ReduceSum", ["attention_mask", b.ints([1])], { keepdims: 0 });
  const last = b.op("last_places_long", "Sub", [seen, b.ints([1])]);
  const shape = b.op("mask_shape", "Shape", ["attention_mask"]);
  const total = b.op("total_long", "Gather", [shape, b.ints([1], [])]);
  return {
    lastPlaces: b.op("last_places", "Cast", [last], { to: INT32 }),
    total: b.op("total", "Cast", [total], { to: INT32 }),
  };
}

type Linear = (name: string, input: string, shape: Shape) => string;

function attend(
  b: GraphBuilder,
  layer: number,
  input: string,
  { hidden, heads, keyHeads, headSize }: LlamaShape,
  { cos, sin, lastPlaces, total }: Shared,
  linear: Linear,
): string {
  const at = `layers.${layer}`;
  const project = (name: string, count: number) =>
    linear(`${at}.${name}_proj`, input, [hidden, count * headSize]);
  const rotate = (name: string, count: number) =>
    b.op(
      `${at}.${name}_rotated`,
      "RotaryEmbedding",
      [project(name, count), "position_ids", cos, sin],
      { interleaved: 0, num_heads: count, rotary_embedding_dim: 0 },
      MICROSOFT,
    );
  const [mixed] = b.ops(
    [`${at}.mixed`, `present.${layer}.key`, `present.${layer}.value`] as const,
    "GroupQueryAttention",
    [
      rotate("q", heads),
      rotate("k", keyHeads),
      project("v", keyHeads),
      `past_key_values.${layer}.key`,
      `past_key_values.${layer}.value`,
      lastPlaces,
      total,
    ],
    { num_heads: heads, kv_num_heads: keyHeads, scale: { float: 1 / Math.sqrt(headSize) }, do_rotary: 0 },
    MICROSOFT,
  );
  return linear(`${at}.o_proj`, mixed, [heads * headSize, hidden]);
}

function feedForward(
  b: GraphBuilder,
  layer: number,
  input: string,
  { hidden, inner }: LlamaShape,
  linear: Linear,
): string {
  const at = `layers.${layer}`;
  const gate = linear(`${at}.gate_proj`, input, [hidden, inner]);
  const silu = b.op(`${at}.silu`, "Mul", [gate, b.op(`${at}.sigmoid`, "Sigmoid", [gate])]);
  const gated = b.op(`${at}.gated`, "Mul", [silu, linear(`${at}.up_proj`, input, [hidden, inner])]);
  return linear(`${at}.down_proj`, gated, [inner, hidden]);
}

const ones = (b: GraphBuilder, size: number) => b.float(new Float32Array(size).fill(1), [size]);

const floatLinear =
  (b: GraphBuilder): Linear =>
  (name, input, shape) =>
    b.op(name, "MatMul", [input, b.floats(`${name}.weight`, llamaMatrix(name, shape), shape)]);

const blockLinear =
  (b: GraphBuilder): Linear =>
  (name, input, shape) =>
    blockProduct(b, name, name, input, transpose(llamaMatrix(name, shape), shape), shape);

/** `turned` has a row for each number that goes out. */
function blockProduct(
  b: GraphBuilder,
  output: string,
  name: string,
  input: string,
  turned: Float32Array,
  [rows, columns]: Shape,
): string {
  const { bytes, scales } = quantizeBlocks(turned);
  const blocks = rows / blockSize;
  const weights = b.bytes(`${name}.weight_q4`, bytes, [columns, blocks, blockSize / 2]);
  return b.op(
    output,
    "MatMulNBits",
    [input, weights, b.floats(`${name}.weight_scales`, scales, [columns * blocks])],
    { K: rows, N: columns, bits: 4, block_size: blockSize, accuracy_level: 4 },
    MICROSOFT,
  );
}

/** The vectors of the tokens, and how they make logits. */
interface Table {
  rows: string;
  logits(input: string): void;
}

function floatTable(b: GraphBuilder, { vocabulary, hidden }: LlamaShape, values: Float32Array): Table {
  const table = b.floats("embed_tokens", values, [vocabulary, hidden]);
  return {
    rows: b.op("embedded", "Gather", [table, "input_ids"]),
    logits: (input) => {
      b.op("logits", "MatMul", [input, b.op("lm_head", "Transpose", [table], { perm: [1, 0] })]);
    },
  };
}

function blockTable(b: GraphBuilder, { vocabulary, hidden }: LlamaShape, values: Float32Array): Table {
  const { bytes, scales } = quantizeBlocks(values);
  const inputs = [
    b.bytes("embed_tokens_q4", bytes, [vocabulary, hidden / 2]),
    "input_ids",
    b.floats("embed_tokens_scales", scales, [vocabulary, hidden / blockSize]),
  ];
  const attributes = { bits: 4, block_size: blockSize, gather_axis: 0, quantize_axis: 1 };
  return {
    rows: b.op("embedded", "GatherBlockQuantized", inputs, attributes, MICROSOFT),
    logits: (input) => {
      blockProduct(b, "logits", "lm_head", input, values, [hidden, vocabulary]);
    },
  };
}
