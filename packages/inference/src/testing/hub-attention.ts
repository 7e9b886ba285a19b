import { MICROSOFT } from "../../mini/onnx-file.ts";
import { type HubLayout, hubShape, type TypedBuilder } from "./hub-builder.ts";

/** Queries, keys and values of some tokens, `[texts, tokens, heads × size]`. */
type Parts = readonly [query: string, key: string, value: string];

/** What of a run the layers need to know. */
export interface Places {
  /** `[texts, tokens]`, where each new token stands; undefined where the attention counts by itself. */
  positions: string | undefined;
  /** 0 where a token may look, else the least number. */
  mask: string;
  /** For each text the place of its last token, and the columns of all. */
  last: string;
  total: string;
}

export function places(b: TypedBuilder, { attention, places }: HubLayout): Places {
  const one = b.ints([1], []);
  const columnsOf = (name: string) =>
    b.op(`${name}_columns`, "Gather", [b.op(`${name}_shape`, "Shape", [name]), one]);
  const total = columnsOf("attention_mask");
  const past = b.op("past", "Sub", [total, columnsOf("input_ids")]);
  const columns = b.op("new_columns", "Range", [past, total, one]);
  const all = b.op("all_columns", "Range", [b.ints([0], []), total, one]);
  const earlier = b.op("earlier", "LessOrEqual", [all, b.op("rows", "Unsqueeze", [columns, b.ints([1])])]);
  const wide = b.op("mask_row", "Unsqueeze", ["attention_mask", b.ints([1, 2])]);
  const visible = b.op("visible", "And", [earlier, b.op("is_token", "Greater", [wide, b.ints([0], [])])]);
  const least = b.type === "float16" ? -65504 : -3.4028234663852886e38;
  const mask = b.op("mask", "Where", [visible, b.floats("zero", [0], []), b.floats("least", [least], [])]);
  const seen = b.op("seen", "ReduceSum", ["attention_mask", b.ints([1])], { keepdims: 0 });
  const last = b.op("last_long", "Sub", [seen, b.ints([1])]);
  const cumulated = () =>
    b.op(
      "new_places",
      "Gather",
      [b.op("places", "Sub", [b.op("counts", "CumSum", ["attention_mask", one]), one]), columns],
      { axis: 1 },
    );
  const counted = () => b.op("new_places", "Unsqueeze", [columns, b.ints([0])]);
  const ways = { given: () => "position_ids", masked: cumulated, counted };
  return {
    positions: attention === "grouped" && places !== "given" ? undefined : ways[places](),
    mask,
    last: b.cast("last", last, "int32"),
    total: b.cast("total", total, "int32"),
  };
}

/** Four times a Llama's: random weights look at everything alike, and what a token sees is to show in its answer. */
const sharpness = 4 / Math.sqrt(hubShape.headSize);
const angleOf = (index: number) => 10_000 ** (-index / (hubShape.headSize / 2));

/** `GroupQueryAttention`, which turns queries and keys itself where the graph has no `position_ids`. */
export function attendGrouped(b: TypedBuilder, layer: number, parts: Parts, at: Places): string {
  const { heads, keyHeads, headSize, positions } = hubShape;
  const name = (part: string) => `layers.${layer}.${part}`;
  const table = (part: string, of: (angle: number) => number) => {
    const values = Float32Array.from({ length: (positions * headSize) / 2 }, (_, i) =>
      of(Math.floor((2 * i) / headSize) * angleOf(i % (headSize / 2))),
    );
    return b.floats(name(part), values, [positions, headSize / 2]);
  };
  const turns = [table("cos_cache", Math.cos), table("sin_cache", Math.sin)];
  const { positions: given } = at;
  const turned = parts.slice(0, 2).map((part, index) => {
    if (given === undefined) return part;
    return b.op(name(`turned${index}`), "RotaryEmbedding", [part, given, ...turns], {}, MICROSOFT);
  });
  const caches = ["key", "value"].map((kind) => `${layer}.${kind}`);
  const [mixed] = b.ops(
    [name("mixed"), ...caches.map((of) => `present.${of}`)],
    "GroupQueryAttention",
    [
      ...turned,
      parts[2],
      ...caches.map((of) => `past_key_values.${of}`),
      at.last,
      at.total,
      ...(given === undefined ? turns : []),
    ],
    {
      num_heads: heads,
      kv_num_heads: keyHeads,
      do_rotary: given === undefined ? 1 : 0,
      scale: { float: sharpness },
    },
    MICROSOFT,
  );
  return mixed ?? "";
}

/** Attention of single operators, whose caches grow by the new columns. */
export function attendPlain(b: TypedBuilder, layer: number, parts: Parts, at: Places): string {
  const { heads, keyHeads, headSize } = hubShape;
  const name = (part: string) => `layers.${layer}.${part}`;
  const split = (part: string, from: string, count: number) => {
    const apart = b.op(name(`${part}_apart`), "Reshape", [from, b.ints([0, 0, count, headSize])]);
    return b.op(name(`${part}_heads`), "Transpose", [apart], { perm: [0, 2, 1, 3] });
  };
  const turn = rotary(b, layer, at.positions ?? "");
  const query = turn("q", split("q", parts[0], heads));
  const fresh = [turn("k", split("k", parts[1], keyHeads)), split("v", parts[2], keyHeads)];
  const [keys = "", values = ""] = ["key", "value"].map((kind, index) => {
    const inputs = [`past_key_values.${layer}.${kind}`, fresh[index] ?? ""];
    const present = b.op(`present.${layer}.${kind}`, "Concat", inputs, { axis: 2 });
    // Each head of keys serves several of the queries.
    return b.op(name(`spread_${kind}`), "Gather", [present, b.ints([0, 0, 1, 1])], { axis: 1 });
  });
  const turned = b.op(name("keys_turned"), "Transpose", [keys], { perm: [0, 1, 3, 2] });
  const scores = b.op(name("scores"), "MatMul", [query, turned]);
  const scaled = b.op(name("scaled"), "Mul", [scores, b.floats(name("sharpness"), [sharpness], [])]);
  const weights = b.op(name("weights"), "Softmax", [b.op(name("masked"), "Add", [scaled, at.mask])]);
  const mixed = b.op(name("mixed"), "MatMul", [weights, values]);
  const flat = b.op(name("flat"), "Transpose", [mixed], { perm: [0, 2, 1, 3] });
  return b.op(name("joined"), "Reshape", [flat, b.ints([0, 0, heads * headSize])]);
}

/** Turns each half of a head's numbers by its token's place. */
function rotary(b: TypedBuilder, layer: number, positions: string): (part: string, input: string) => string {
  const half = hubShape.headSize / 2;
  const name = (part: string) => `layers.${layer}.${part}`;
  const place = b.cast(
    name("place"),
    b.op(name("place_long"), "Unsqueeze", [positions, b.ints([1, 3])]),
    b.type,
  );
  const angles = Float32Array.from({ length: 2 * half }, (_, index) => angleOf(index % half));
  const turns = b.op(name("turns"), "Mul", [place, b.floats(name("angles"), angles, [2 * half])]);
  const [cos, sin] = [b.op(name("cos"), "Cos", [turns]), b.op(name("sin"), "Sin", [turns])];
  return (part, input) => {
    const of = (what: string) => name(`${part}_${what}`);
    const slice = (what: string, from: number, to: number) =>
      b.op(of(what), "Slice", [input, b.ints([from]), b.ints([to]), b.ints([3])]);
    const other = b.op(of("other_half"), "Neg", [slice("second", half, 2 * half)]);
    const swapped = b.op(of("swapped"), "Concat", [other, slice("first", 0, half)], { axis: 3 });
    return b.op(of("turned"), "Add", [
      b.op(of("by_cos"), "Mul", [input, cos]),
      b.op(of("by_sin"), "Mul", [swapped, sin]),
    ]);
  };
}
