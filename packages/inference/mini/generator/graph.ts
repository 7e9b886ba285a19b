/** The decoder as an ONNX graph: a Llama whose blocks of zeros (unused heads, columns and MLPs) are left out. */

import { GraphBuilder } from "../graph-builder.ts";
import type { OnnxGraph } from "../onnx-file.ts";
import type { Attention, Layer } from "./circuit.ts";
import { CONSTANT_VALUE, type Embedding } from "./embedding.ts";
import {
  CONSTANT,
  COPIED,
  EMBEDDED,
  frequency,
  HALF_HEAD,
  HEAD_SIZE,
  HIDDEN_SIZE,
  PICKED,
  RMS_EPSILON,
} from "./layout.ts";
import type { Mlp } from "./mlp.ts";
import { comparedDimensions, outputRows, queryColumns } from "./used.ts";

const FLOAT = 1;
const MASKED = -1e30;

/** Kept as bytes with a scale for each column, where a hand-set matrix has one value or few. */
function matrix(
  b: GraphBuilder,
  name: string,
  values: Float32Array,
  [rows, columns]: readonly [number, number],
): string {
  const scales = new Float32Array(columns);
  values.forEach((value, i) => {
    const scale = Math.abs(value) / 127;
    if (scale > (scales[i % columns] ?? 0)) scales[i % columns] = scale;
  });
  const bytes = Int8Array.from(values, (value, i) => Math.round(value / (scales[i % columns] || 1)));
  const floats = b.op(`${name}.float`, "Cast", [b.bytes(`${name}.bytes`, bytes, [rows, columns])], {
    to: FLOAT,
  });
  return b.op(name, "Mul", [floats, b.float(scales, [columns])]);
}

/** As it is, where training gave each weight a value of its own. */
function exact(
  b: GraphBuilder,
  name: string,
  values: Float32Array,
  shape: readonly [number, number],
): string {
  return b.floats(name, values, shape);
}

function split(
  b: GraphBuilder,
  names: readonly string[],
  input: string,
  sizes: readonly number[],
  axis: number,
): readonly string[] {
  return names.length === 1 ? [input] : b.ops(names, "Split", [input, b.ints(sizes)], { axis });
}

/** Names of the cosines and sines of positions. */
interface Turns {
  cos: string;
  sin: string;
}

/** Names of what every layer needs. */
interface Shared extends Turns {
  mask: string;
  norm: string;
}

function positions(b: GraphBuilder): Turns {
  const frequencies = Float32Array.from({ length: HALF_HEAD }, (_, pair) => frequency(pair));
  const position = b.op(
    "position",
    "Cast",
    [b.op("position_column", "Unsqueeze", ["position_ids", b.ints([1, 3])])],
    {
      to: FLOAT,
    },
  );
  const half = b.op("angle_half", "Mul", [position, b.float(frequencies, [HALF_HEAD])]);
  const angle = b.op("angle", "Concat", [half, half], { axis: -1 });
  return { cos: b.op("cos", "Cos", [angle]), sin: b.op("sin", "Sin", [angle]) };
}

/** [batch, 1, tokens, past + tokens]: 0 where a token may look, else a large negative number. */
function causalMask(b: GraphBuilder): string {
  const scalar = (value: number) => b.ints([value], []);
  const length = (name: string, of: string) =>
    b.op(name, "Gather", [b.op(`${name}_shape`, "Shape", [of]), scalar(1)]);
  const total = length("total", "attention_mask");
  const past = b.op("past", "Sub", [total, length("tokens", "input_ids")]);
  const rows = b.op("rows", "Range", [past, total, scalar(1)]);
  const columns = b.op("columns", "Range", [scalar(0), total, scalar(1)]);
  const row = b.op("row", "Unsqueeze", [rows, b.ints([1])]);
  const causal = b.op("causal", "LessOrEqual", [columns, row]);
  const present = b.op("is_token", "Greater", [
    b.op("mask_row", "Unsqueeze", ["attention_mask", b.ints([1, 2])]),
    scalar(0),
  ]);
  const visible = b.op("visible", "And", [causal, present]);
  return b.op("mask", "Where", [visible, b.float([0]), b.float([MASKED])]);
}

function normWeights(b: GraphBuilder): string {
  const root = Math.sqrt(HIDDEN_SIZE);
  const weights = Float32Array.from({ length: HIDDEN_SIZE }, (_, i) =>
    i === CONSTANT.start ? 1 / root : CONSTANT_VALUE / root,
  );
  return b.float(weights, [HIDDEN_SIZE]);
}

function rmsNorm(b: GraphBuilder, at: string, input: string, weights: string): string {
  const mean = b.op(`${at}.mean`, "ReduceMean", [b.op(`${at}.square`, "Mul", [input, input])], {
    axes: [-1],
    keepdims: 1,
  });
  const root = b.op(`${at}.root`, "Sqrt", [b.op(`${at}.mean_eps`, "Add", [mean, b.float([RMS_EPSILON])])]);
  return b.op(`${at}.norm`, "Mul", [b.op(`${at}.unit`, "Div", [input, root]), weights]);
}

/** Rotary positions for [batch, heads, tokens, 2 × pairs]. */
function rotate(b: GraphBuilder, at: string, input: string, pairs: number, { cos, sin }: Turns): string {
  const [first = "", second = ""] = split(b, [`${at}.first`, `${at}.second`], input, [pairs, pairs], -1);
  const turned = b.op(`${at}.turned`, "Concat", [b.op(`${at}.minus`, "Neg", [second]), first], { axis: -1 });
  const straight = b.op(`${at}.straight`, "Mul", [input, cos]);
  return b.op(`${at}.rotated`, "Add", [straight, b.op(`${at}.across`, "Mul", [turned, sin])]);
}

/** These dimensions of a head, in runs: picked one by one they take longer than what is left out. */
function takeColumns(b: GraphBuilder, name: string, input: string, dimensions: readonly number[]): string {
  const starts = dimensions.filter((dimension, i) => dimension !== (dimensions[i - 1] ?? Number.NaN) + 1);
  const runs = starts.map((start, i) => {
    const after = starts[i + 1];
    const end =
      1 + (dimensions[after === undefined ? dimensions.length - 1 : dimensions.indexOf(after) - 1] ?? 0);
    return b.op(`${name}${i}`, "Slice", [input, b.ints([start]), b.ints([end]), b.ints([3])]);
  });
  return b.op(name, "Concat", runs, { axis: 3 });
}

/**
 * Heads run one after the other: the scores of one are all the memory that a long prompt needs. `asking` are the tokens
 * that look: all, or the last ones. They see all.
 */
function attend(
  b: GraphBuilder,
  at: string,
  input: string,
  attention: Attention,
  { shared, asking }: { shared: Shared; asking: (name: string, axis: number) => string },
): string {
  const { heads, trained } = attention;
  const write = trained ? exact : matrix;
  const hidden = rmsNorm(b, at, input, shared.norm);
  const project = (name: string, from: string, values: Float32Array, [count, size]: [number, number]) => {
    const weights = write(b, `${at}.${name}_proj`, values, [HIDDEN_SIZE, count * size]);
    const flat = b.op(`${at}.${name}_flat`, "MatMul", [from, weights]);
    const split = b.op(`${at}.${name}_heads`, "Reshape", [flat, b.ints([0, 0, count, size])]);
    return b.op(`${at}.${name}`, "Transpose", [split], { perm: [0, 2, 1, 3] });
  };
  const layer = at.slice(at.lastIndexOf(".") + 1);
  const keep = (kind: string, added: string) =>
    b.op(`present.${layer}.${kind}`, "Concat", [`past_key_values.${layer}.${kind}`, added], { axis: 2 });
  const key = keep(
    "key",
    rotate(b, `${at}.k`, project("k", hidden, attention.key, [1, HEAD_SIZE]), HALF_HEAD, shared),
  );
  const value = keep("value", project("v", hidden, attention.value, [1, HEAD_SIZE]));

  const dimensions = comparedDimensions(attention);
  const compared = (name: string, of: string) => takeColumns(b, `${at}.${name}`, of, dimensions);
  const turns = {
    cos: compared("cos", asking(shared.cos, 2)),
    sin: compared("sin", asking(shared.sin, 2)),
  };
  const size = dimensions.length;
  const projected = project("q", asking(hidden, 1), queryColumns(attention, dimensions), [heads, size]);
  const query = rotate(b, `${at}.q`, projected, size / 2, turns);
  const keyColumns = b.op(`${at}.key_columns`, "Transpose", [compared("key_used", key)], {
    perm: [0, 1, 3, 2],
  });
  const names = Array.from({ length: heads }, (_, head) => `${at}.q${head}`);
  const queries = split(
    b,
    names,
    query,
    names.map(() => 1),
    1,
  );
  const { widths, matrix: outputs } = outputRows(attention);
  const mask = asking(shared.mask, 2);
  const mixed = queries.map((name, head) => {
    const scores = b.op(`${at}.scores${head}`, "MatMul", [name, keyColumns]);
    const masked = b.op(`${at}.masked${head}`, "Add", [scores, mask]);
    const weights = b.op(`${at}.weights${head}`, "Softmax", [masked], { axis: -1 });
    const width = b.ints([widths[head] ?? 0]);
    const used = b.op(`${at}.value${head}`, "Slice", [value, b.ints([0]), width, b.ints([3])]);
    return b.op(`${at}.mixed${head}`, "MatMul", [weights, used]);
  });
  const together = b.op(`${at}.together`, "Concat", mixed, { axis: -1 });
  const width = widths.reduce((sum, one) => sum + one, 0);
  const flat = b.op(`${at}.flat`, "Reshape", [together, b.ints([0, -1, width])]);
  const weights = write(b, `${at}.o_proj`, outputs, [width, HIDDEN_SIZE]);
  const out = b.op(`${at}.out`, "MatMul", [flat, weights]);
  return b.op(`${at}.sum`, "Add", [asking(input, 1), out]);
}

/** SwiGLU. */
function feedForward(b: GraphBuilder, at: string, input: string, mlp: Mlp, shared: Shared): string {
  const hidden = rmsNorm(b, `${at}.mlp`, input, shared.norm);
  const { units } = mlp;
  const product = (name: string, from: string, values: Float32Array, shape: readonly [number, number]) =>
    b.op(`${at}.${name}`, "MatMul", [from, exact(b, `${at}.${name}_proj`, values, shape)]);
  const gate = product("gate", hidden, mlp.gate, [HIDDEN_SIZE, units]);
  const silu = b.op(`${at}.silu`, "Mul", [gate, b.op(`${at}.sigmoid`, "Sigmoid", [gate])]);
  const gated = b.op(`${at}.gated`, "Mul", [silu, product("up", hidden, mlp.up, [HIDDEN_SIZE, units])]);
  return b.op(`${at}.mlp_sum`, "Add", [input, product("down", gated, mlp.down, [units, HIDDEN_SIZE])]);
}

function embed(b: GraphBuilder, { rows, columnScales }: Embedding, vocabulary: number): string {
  const table = b.bytes("embed_tokens", rows, [vocabulary, EMBEDDED]);
  const found = b.op("embed_bytes", "Gather", [table, "input_ids"], { axis: 0 });
  const scaled = b.op("embed_part", "Mul", [
    b.op("embed_float", "Cast", [found], { to: FLOAT }),
    b.float(columnScales, [EMBEDDED]),
  ]);
  return b.op("embedded", "Pad", [scaled, b.ints([0, 0, 0, 0, 0, HIDDEN_SIZE - EMBEDDED])]);
}

/** The last `num_logits_to_keep` places along an axis, all for 0. */
function lastKept(b: GraphBuilder): (name: string, axis: number) => string {
  const from = b.op("kept_from", "Reshape", [b.op("kept", "Neg", ["num_logits_to_keep"]), b.ints([1])]);
  const end = b.ints([2 ** 31]);
  return (name, axis) => b.op(`${name}.kept`, "Slice", [name, from, end, b.ints([axis])]);
}

function logits(b: GraphBuilder, input: string, norm: string, { head }: Embedding, vocabulary: number): void {
  const normed = rmsNorm(b, "final", input, norm);
  const said = b.op("said", "Slice", [
    normed,
    b.ints([COPIED.start]),
    b.ints([PICKED.start + PICKED.size]),
    b.ints([2]),
  ]);
  const bytes = b.bytes("lm_head.bytes", head, [COPIED.size + PICKED.size, vocabulary]);
  b.op("logits", "MatMul", [said, b.op("lm_head", "Cast", [bytes], { to: FLOAT })]);
}

export function buildGraph(layers: readonly Layer[], embedding: Embedding, vocabulary: number): OnnxGraph {
  const b = new GraphBuilder();
  const { inputs, outputs } = b.graph;
  for (const name of ["input_ids", "position_ids"])
    inputs.push({ name, type: "int64", shape: ["batch", "tokens"] });
  inputs.push({ name: "attention_mask", type: "int64", shape: ["batch", "total"] });
  inputs.push({ name: "num_logits_to_keep", type: "int64", shape: [] });
  outputs.push({ name: "logits", type: "float", shape: ["batch", "kept", vocabulary] });
  layers.forEach((_, layer) => {
    for (const kind of ["key", "value"]) {
      const shape = (length: string) => ["batch", 1, length, HEAD_SIZE];
      inputs.push({ name: `past_key_values.${layer}.${kind}`, type: "float", shape: shape("past") });
      outputs.push({ name: `present.${layer}.${kind}`, type: "float", shape: shape("total") });
    }
  });
  const shared = { ...positions(b), mask: causalMask(b), norm: normWeights(b) };
  const hidden = layers.reduce(
    (input, { attention, mlp }, layer) => {
      const at = `layers.${layer}`;
      // What comes of the last layer is needed for the logits only.
      const asking = layer === layers.length - 1 ? lastKept(b) : (name: string) => name;
      const sum = attend(b, at, input, attention, { shared, asking });
      return mlp ? feedForward(b, at, sum, mlp, shared) : sum;
    },
    embed(b, embedding, vocabulary),
  );
  logits(b, hidden, shared.norm, embedding, vocabulary);
  return b.graph;
}
