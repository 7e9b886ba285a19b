import { GraphBuilder } from "../../mini/graph-builder.ts";
import type { OnnxGraph } from "../../mini/onnx-file.ts";
import { quantizeColumns } from "./quantize.ts";
import { randomMatrix } from "./random-weights.ts";

export interface BertShape {
  layers: number;
  hidden: number;
  heads: number;
  inner: number;
  vocabulary: number;
  positions: number;
}

const FLOAT = 1;
const INT64 = 7;
const FLOAT16 = 10;
/** What `hidden states × weights` is for each type of numbers. */
type Linear = (name: string, input: string, shape: readonly [number, number]) => string;

/**
 * BERT counts a text's places from 0 and is told of which text each token is; XLM-RoBERTa counts the tokens that are no
 * padding, from 2; DeBERTa has no places, but looks at a token by how far it is.
 */
export type EncoderKind = "bert" | "xlm-roberta" | "deberta-v2";

/** A BERT with random weights as the hub's exports have it: plain operators, which ONNX Runtime fuses when it loads them. */
export function bertGraph(
  shape: BertShape,
  dtype: "fp32" | "fp16" | "int8",
  output: "last_hidden_state" | "logits" = "last_hidden_state",
  like: EncoderKind = "bert",
): OnnxGraph {
  const b = new GraphBuilder(dtype === "fp16" ? "float16" : "float");
  const { hidden } = shape;
  for (const name of ["input_ids", "attention_mask", ...(like === "bert" ? ["token_type_ids"] : [])])
    b.graph.inputs.push({ name, type: "int64", shape: ["batch_size", "sequence_length"] });
  const outputShape = output === "logits" ? ["batch_size", 1] : ["batch_size", "sequence_length", hidden];
  b.graph.outputs.push({ name: output, type: b.type, shape: outputShape });
  const linear = dtype === "int8" ? quantizedLinear(b) : floatLinear(b);
  const table = dtype === "int8" ? quantizedTable(b, hidden) : floatTable(b, hidden);

  const words = table("word_embeddings", "input_ids", shape.vocabulary);
  const parts = {
    bert: () => [
      table("token_type_embeddings", "token_type_ids", 2),
      table("position_embeddings", columns(b, shape), shape.positions),
    ],
    "xlm-roberta": () => [table("position_embeddings", placesOfTokens(b), shape.positions + 2)],
    "deberta-v2": () => [],
  }[like]();
  const embedded = parts.reduce((sum, part) => b.op(`${part}.added`, "Add", [sum, part]), words);
  const wide = b.op("mask_wide", "Unsqueeze", ["attention_mask", b.ints([1, 2])]);
  const hiddenTokens = b.op("mask_inverse", "Sub", [
    b.float([1]),
    b.op("mask_float", "Cast", [wide], { to: b.type === "float" ? FLOAT : FLOAT16 }),
  ]);
  const padding = b.op("mask", "Mul", [
    hiddenTokens,
    b.float([b.type === "float" ? -3.4028234663852886e38 : -65504]),
  ]);
  const mask = like === "deberta-v2" ? b.op("bias", "Add", [padding, distances(b, shape)]) : padding;

  const last = "last_hidden_state";
  let state = norm(b, "embedded_norm", embedded, hidden);
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `layer.${layer}`;
    const attended = attend(b, at, state, mask, shape, linear);
    state = norm(b, `${at}.attention_norm`, b.op(`${at}.attention_sum`, "Add", [attended, state]), hidden);
    const inner = gelu(
      b,
      at,
      biased(b, `${at}.up`, linear(`${at}.up`, state, [hidden, shape.inner]), shape.inner),
    );
    const out = biased(b, `${at}.down`, linear(`${at}.down`, inner, [shape.inner, hidden]), hidden);
    const name = layer === shape.layers - 1 ? last : `${at}.norm`;
    state = norm(b, name, b.op(`${at}.sum`, "Add", [out, state]), hidden);
  }
  if (output === "logits") scoreFirstToken(b, last, hidden);
  return b.graph;
}

function columns(b: GraphBuilder, { positions }: BertShape): string {
  const all = Array.from({ length: positions }, (_, index) => index);
  return b.op("positions", "Slice", [b.ints(all, [1, positions]), b.ints([0]), length(b), b.ints([1])]);
}

const length = (b: GraphBuilder) =>
  b.op("length", "Gather", [b.op("shape", "Shape", ["input_ids"]), b.ints([1])]);

/** XLM-RoBERTa's padding is token 1, whatever the mask says. */
function placesOfTokens(b: GraphBuilder): string {
  const padding = b.op("is_padding", "Equal", ["input_ids", b.ints([1], [])]);
  const tokens = b.op("is_token", "Cast", [b.op("is_no_padding", "Not", [padding])], { to: INT64 });
  const counts = b.op("token_counts", "CumSum", [tokens, b.ints([1], [])]);
  return b.op("positions", "Add", [b.op("places", "Mul", [counts, tokens]), b.ints([1], [])]);
}

/** For each head how much a token looks at one that is so far away, up to eight tokens. */
function distances(b: GraphBuilder, { heads }: BertShape): string {
  const end = b.op("end", "Squeeze", [length(b)]);
  const all = b.op("columns", "Range", [b.ints([0], []), end, b.ints([1], [])]);
  const apart = b.op("apart", "Sub", [b.op("rows", "Unsqueeze", [all, b.ints([1])]), all]);
  const near = b.op("near", "Clip", [apart, b.ints([-8], []), b.ints([8], [])]);
  const table = b.floats("distance_weights", tableWeights("distances", 17, heads), [17, heads]);
  const weights = b.op("by_distance", "Gather", [table, b.op("row", "Add", [near, b.ints([8], [])])]);
  return b.op("by_head", "Transpose", [weights], { perm: [2, 0, 1] });
}

/** A cross-encoder's head: one number of the first token's vector. */
function scoreFirstToken(b: GraphBuilder, input: string, hidden: number): void {
  const first = b.op("first", "Gather", [input, b.ints([0], [])], { axis: 1 });
  const weights = b.floats("classifier.weight", randomMatrix("classifier", [hidden, 1]), [hidden, 1]);
  b.op("logits", "MatMul", [first, weights]);
}

function attend(
  b: GraphBuilder,
  at: string,
  input: string,
  mask: string,
  { hidden, heads }: BertShape,
  linear: Linear,
): string {
  const size = hidden / heads;
  const project = (name: string, perm: number[]) => {
    const flat = biased(b, `${at}.${name}`, linear(`${at}.${name}`, input, [hidden, hidden]), hidden);
    return b.op(
      `${at}.${name}.heads`,
      "Transpose",
      [b.op(`${at}.${name}.split`, "Reshape", [flat, b.ints([0, 0, heads, size])])],
      { perm },
    );
  };
  const scores = b.op(`${at}.scores`, "MatMul", [
    project("query", [0, 2, 1, 3]),
    project("key", [0, 2, 3, 1]),
  ]);
  const scaled = b.op(`${at}.scaled`, "Div", [scores, b.float([Math.sqrt(size)])]);
  const weights = b.op(`${at}.weights`, "Softmax", [b.op(`${at}.masked`, "Add", [scaled, mask])], {
    axis: -1,
  });
  const mixed = b.op(`${at}.mixed`, "MatMul", [weights, project("value", [0, 2, 1, 3])]);
  const joined = b.op(`${at}.joined`, "Reshape", [
    b.op(`${at}.turned`, "Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    b.ints([0, 0, hidden]),
  ]);
  return biased(b, `${at}.output`, linear(`${at}.output`, joined, [hidden, hidden]), hidden);
}

function gelu(b: GraphBuilder, at: string, input: string): string {
  const erf = b.op(`${at}.erf`, "Erf", [b.op(`${at}.by_root`, "Div", [input, b.float([Math.SQRT2])])]);
  const gate = b.op(`${at}.erf_one`, "Add", [erf, b.float([1])]);
  return b.op(`${at}.gelu`, "Mul", [b.op(`${at}.gated`, "Mul", [input, gate]), b.float([0.5])]);
}

function norm(b: GraphBuilder, name: string, input: string, size: number): string {
  const weights = [new Float32Array(size).fill(1), new Float32Array(size)].map((values) =>
    b.float(values, [size]),
  );
  return b.op(name, "LayerNormalization", [input, ...weights], { axis: -1, epsilon: { float: 1e-12 } });
}

function biased(b: GraphBuilder, name: string, input: string, size: number): string {
  const bias = b.float(
    randomMatrix(`${name}.bias`, [1, size]).map((value) => value / 50),
    [size],
  );
  return b.op(`${name}.biased`, "Add", [input, bias]);
}

const floatLinear =
  (b: GraphBuilder): Linear =>
  (name, input, shape) =>
    b.op(name, "MatMul", [input, b.floats(`${name}.weight`, randomMatrix(name, shape), shape)]);

/** As dynamic quantization makes it: the activations' scale is found in each run. */
export function quantizedLinear(b: GraphBuilder): Linear {
  const quantized = new Map<string, readonly [string, string, string]>();
  const quantize = (input: string) => {
    const names = [`${input}.bytes`, `${input}.scale`, `${input}.zero`] as const;
    return quantized.get(input) ?? b.ops(names, "DynamicQuantizeLinear", [input]);
  };
  return (name, input, shape) => {
    const [bytes, scale, zero] = quantize(input);
    quantized.set(input, [bytes, scale, zero]);
    const [, columns] = shape;
    const weights = quantizeColumns(randomMatrix(name, shape), columns);
    const sums = b.op(`${name}.sums`, "MatMulInteger", [
      bytes,
      b.bytes(`${name}.weight`, weights.bytes, shape),
      zero,
      b.bytes(`${name}.weight_zero`, new Int8Array(columns), [columns]),
    ]);
    const scales = b.op(`${name}.scales`, "Mul", [
      scale,
      b.floats(`${name}.weight_scale`, weights.scales, [columns]),
    ]);
    return b.op(name, "Mul", [b.op(`${name}.float`, "Cast", [sums], { to: FLOAT }), scales]);
  };
}

const tableWeights = (name: string, rows: number, width: number) =>
  randomMatrix(name, [rows, width]).map((value) => value * Math.sqrt(rows));

const floatTable =
  (b: GraphBuilder, width: number) =>
  (name: string, ids: string, rows: number): string =>
    b.op(`${name}.rows`, "Gather", [b.floats(name, tableWeights(name, rows, width), [rows, width]), ids]);

const quantizedTable =
  (b: GraphBuilder, width: number) =>
  (name: string, ids: string, rows: number): string => {
    const values = tableWeights(name, rows, width);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    const bytes = b.bytes(
      name,
      Int8Array.from(values, (value) => Math.round(value / scale)),
      [rows, width],
    );
    return b.op(`${name}.rows`, "DequantizeLinear", [
      b.op(`${name}.bytes`, "Gather", [bytes, ids]),
      b.float([scale]),
      b.bytes(`${name}.zero`, new Int8Array(1), []),
    ]);
  };
