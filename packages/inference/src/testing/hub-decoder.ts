import { blockSize, quantizeBlocks } from "../../bench/models/quantize.ts";
import { randomMatrix, transpose } from "../../bench/models/random-weights.ts";
import { MICROSOFT, onnxModel } from "../../mini/onnx-file.ts";
import { attendGrouped, attendPlain, type Places, places } from "./hub-attention.ts";
import { type HubLayout, hubShape, TypedBuilder } from "./hub-builder.ts";

/** The file of a Llama with random weights, as the hub's exports have it. */
export function hubDecoder(layout: HubLayout, vocabulary: number): Uint8Array {
  const b = new TypedBuilder(layout);
  const { hidden, inner, layers } = hubShape;
  declare(b, layout, vocabulary);
  const at = places(b, layout);
  const table = randomMatrix("table", [hidden, vocabulary]);
  let sum = embed(b, layout, table, vocabulary);
  for (let layer = 0; layer < layers; layer += 1) {
    const name = (part: string) => `layers.${layer}.${part}`;
    const mixed = attend(b, layer, norm(b, name("before_attention"), sum), at, layout);
    sum = b.op(name("with_attention"), "Add", [sum, mixed]);
    const normed = norm(b, name("before_mlp"), sum);
    const gate = b.linear(name("gate_proj"), normed, [hidden, inner]);
    const silu = b.op(name("silu"), "Mul", [gate, b.op(name("sigmoid"), "Sigmoid", [gate])]);
    const gated = b.op(name("gated"), "Mul", [silu, b.linear(name("up_proj"), normed, [hidden, inner])]);
    sum = b.op(name("with_mlp"), "Add", [sum, b.linear(name("down_proj"), gated, [inner, hidden])]);
  }
  const logits = b.linear("lm_head", norm(b, "last_norm", sum), [hidden, vocabulary]);
  b.cast("logits", logits, layout.logits ?? "float");
  return onnxModel(b.graph, "hub", "Random weights.", [MICROSOFT]);
}

function attend(b: TypedBuilder, layer: number, input: string, at: Places, layout: HubLayout): string {
  const { hidden, heads, keyHeads, headSize } = hubShape;
  const project = (name: string, count: number) =>
    b.linear(`layers.${layer}.${name}_proj`, input, [hidden, count * headSize]);
  const parts = [project("q", heads), project("k", keyHeads), project("v", keyHeads)] as const;
  const mixed = (layout.attention === "grouped" ? attendGrouped : attendPlain)(b, layer, parts, at);
  return b.linear(`layers.${layer}.o_proj`, mixed, [heads * headSize, hidden]);
}

function declare(b: TypedBuilder, { places, logits = "float" }: HubLayout, vocabulary: number): void {
  const { inputs, outputs } = b.graph;
  const { layers, keyHeads, headSize } = hubShape;
  const tokens = ["batch_size", "sequence_length"];
  inputs.push({ name: "input_ids", type: "int64", shape: tokens });
  inputs.push({ name: "attention_mask", type: "int64", shape: ["batch_size", "total_sequence_length"] });
  if (places === "given") inputs.push({ name: "position_ids", type: "int64", shape: tokens });
  outputs.push({ name: "logits", type: logits, shape: [...tokens, vocabulary] });
  for (let layer = 0; layer < layers; layer += 1) {
    for (const kind of ["key", "value"]) {
      const cache = (length: string) => ["batch_size", keyHeads, length, headSize];
      const past = { name: `past_key_values.${layer}.${kind}`, shape: cache("past_sequence_length") };
      const present = { name: `present.${layer}.${kind}`, shape: cache("total_sequence_length") };
      inputs.push({ ...past, type: b.type });
      outputs.push({ ...present, type: b.type });
    }
  }
}

/** The vectors of the tokens: as numbers, as bytes, or in blocks of four bits. */
function embed(b: TypedBuilder, layout: HubLayout, values: Float32Array, vocabulary: number): string {
  const { dtype, scale = 1 } = layout;
  const { hidden } = hubShape;
  const table = transpose(values, [hidden, vocabulary]).map((value) => value * scale * Math.sqrt(hidden));
  if (dtype === "q8") {
    const bytes = Int8Array.from(table, (value) => Math.round(value * 64));
    const rows = b.op("embed_rows", "Gather", [
      b.bytes("embed_tokens", bytes, [vocabulary, hidden]),
      "input_ids",
    ]);
    return b.op("embedded", "DequantizeLinear", [rows, b.float([1 / 64])]);
  }
  if (dtype === "fp32" || dtype === "fp16")
    return b.op("embedded", "Gather", [b.floats("embed_tokens", table, [vocabulary, hidden]), "input_ids"]);
  const { bytes, scales } = quantizeBlocks(table);
  const inputs = [
    b.bytes("embed_tokens_q4", bytes, [vocabulary, hidden / 2]),
    "input_ids",
    b.floats("embed_tokens_scales", scales, [vocabulary, hidden / blockSize]),
  ];
  const attributes = { bits: 4, block_size: blockSize, gather_axis: 0, quantize_axis: 1 };
  return b.op("embedded", "GatherBlockQuantized", inputs, attributes, MICROSOFT);
}

/** RMSNorm as exporters write it out; ONNX Runtime puts it together again. */
function norm(b: TypedBuilder, name: string, input: string): string {
  const number = (part: string, value: number) => b.floats(`${name}.${part}`, [value], []);
  const squares = b.op(`${name}.squares`, "Pow", [input, number("two", 2)]);
  const mean = b.op(`${name}.mean`, "ReduceMean", [squares], { axes: [-1] });
  const root = b.op(`${name}.root`, "Sqrt", [b.op(`${name}.sum`, "Add", [mean, number("epsilon", 1e-3)])]);
  const scaled = b.op(`${name}.scaled`, "Div", [input, root]);
  const weights = new Float32Array(hubShape.hidden).fill(1);
  return b.op(name, "Mul", [b.floats(`${name}.weight`, weights, [hubShape.hidden]), scaled]);
}
