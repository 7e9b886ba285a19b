import { quantizedLinear } from "../../bench/models/bert-graph.ts";
import { blockSize, quantizeBlocks } from "../../bench/models/quantize.ts";
import { randomMatrix, transpose } from "../../bench/models/random-weights.ts";
import { GraphBuilder } from "../../mini/graph-builder.ts";
import { MICROSOFT } from "../../mini/onnx-file.ts";

export const hubShape = {
  layers: 2,
  hidden: 64,
  heads: 4,
  keyHeads: 2,
  headSize: 16,
  inner: 128,
  positions: 512,
} as const;

/** How a Llama of the hub is exported. */
export interface HubLayout {
  dtype: "fp32" | "fp16" | "q8" | "q4" | "q4f16";
  /** ONNX Runtime's own operators (`GroupQueryAttention`), or single ones that append to the cache. */
  attention: "grouped" | "plain";
  /** Where a token stands: as `position_ids` say, by the tokens of the mask, or by all its columns. */
  places: "given" | "masked" | "counted";
  logits?: "float" | "float16";
  /** What its tokens' vectors are multiplied with: above 1,000 half precision overflows. */
  scale?: number;
}

/** Rows are what comes in, columns what goes out. */
type Linear = (name: string, input: string, shape: readonly [number, number]) => string;

/** A graph with the products of its dtype. */
export class TypedBuilder extends GraphBuilder {
  readonly linear: Linear;

  constructor({ dtype, attention }: HubLayout) {
    super(dtype === "fp16" || dtype === "q4f16" ? "float16" : "float");
    if (dtype === "q8") this.linear = quantizedLinear(this);
    else if (dtype === "fp32" || dtype === "fp16") this.linear = floatLinear(this);
    else this.linear = blockLinear(this, attention === "grouped" ? { accuracy_level: 4 } : {});
  }

  cast(name: string, input: string, type: "float" | "float16" | "int32"): string {
    return this.op(name, "Cast", [input], { to: { float: 1, int32: 6, float16: 10 }[type] });
  }
}

const floatLinear =
  (b: TypedBuilder): Linear =>
  (name, input, shape) =>
    b.op(name, "MatMul", [input, b.floats(`${name}.weight`, randomMatrix(name, shape), shape)]);

/** @param accuracy what some exporters say of the activations: that they may be rounded to 8 bits */
const blockLinear =
  (b: TypedBuilder, accuracy: { accuracy_level?: 4 }): Linear =>
  (name, input, [rows, columns]) => {
    const { bytes, scales } = quantizeBlocks(transpose(randomMatrix(name, [rows, columns]), [rows, columns]));
    const blocks = rows / blockSize;
    const weights = b.bytes(`${name}.weight_q4`, bytes, [columns, blocks, blockSize / 2]);
    const scale = b.floats(`${name}.weight_scales`, scales, [columns * blocks]);
    const attributes = { K: rows, N: columns, bits: 4, block_size: blockSize, ...accuracy };
    return b.op(name, "MatMulNBits", [input, weights, scale], attributes, MICROSOFT);
  };
