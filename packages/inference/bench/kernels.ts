import { InferenceSession, Tensor } from "onnxruntime-node";
import { GraphBuilder } from "../mini/graph-builder.ts";
import { MICROSOFT, onnxModel } from "../mini/onnx-file.ts";
import type { BenchContext } from "./embedding.ts";
import { figure, inTurns, millisecondsOf, perSecond } from "./figures.ts";
import { blockSize, quantizeBlocks, quantizeColumns } from "./models/quantize.ts";
import { randomMatrix } from "./models/random-weights.ts";
import { cores } from "./subject.ts";

/** A layer's widest matrix in SmolLM2-135M, and as many as its layers have: they do not stay in the nearest cache. */
const [inputs, outputs, matrices] = [576, 1536, 30];

type AddProduct = (b: GraphBuilder, name: string, weights: Float32Array) => string;

const blocks =
  (level: number): AddProduct =>
  (b, name, weights) => {
    const { bytes, scales } = quantizeBlocks(weights);
    const shape = [outputs, inputs / blockSize, blockSize / 2];
    return b.op(
      name,
      "MatMulNBits",
      ["x", b.bytes(`${name}.q4`, bytes, shape), b.float(scales, [scales.length])],
      { K: inputs, N: outputs, bits: 4, block_size: blockSize, accuracy_level: level },
      MICROSOFT,
    );
  };

const products = {
  "4 bits, activations rounded to 8 bits": blocks(4),
  "4 bits, activations as they are": blocks(0),
  "32 bits": (b, name, weights) => b.op(name, "MatMul", ["x", b.float(weights, [inputs, outputs])]),
  "8 bits, a range for each run": (b, name, weights) => {
    const { bytes } = quantizeColumns(weights, outputs);
    const quantized = [`${name}.bytes`, `${name}.scale`, `${name}.zero`] as const;
    const [x, , zero] = b.ops(quantized, "DynamicQuantizeLinear", ["x"]);
    const sums = b.op(`${name}.sums`, "MatMulInteger", [
      x,
      b.bytes(`${name}.q8`, bytes, [inputs, outputs]),
      zero,
    ]);
    return b.op(name, "Cast", [sums], { to: 1 });
  },
} satisfies Record<string, AddProduct>;

function open(add: AddProduct): Promise<InferenceSession> {
  const b = new GraphBuilder();
  b.graph.inputs.push({ name: "x", type: "float", shape: ["rows", inputs] });
  b.graph.outputs.push({ name: "sum", type: "float", shape: ["rows", outputs] });
  const names = Array.from({ length: matrices }, (_, i) =>
    add(b, `product${i}`, randomMatrix(`product${i}`, [inputs, outputs])),
  );
  b.op("sum", "Sum", names);
  return InferenceSession.create(onnxModel(b.graph, "products", "Random weights.", [MICROSOFT]), {
    intraOpNumThreads: cores,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}

/** What ONNX Runtime's products do at most: no model is faster than they are. */
export async function benchKernels({ rounds, tell }: BenchContext): Promise<void> {
  const sessions = await Promise.all(
    Object.entries(products).map(async ([name, add]) => [name, await open(add)] as const),
  );
  for (const rows of [1, 8, 64, 256]) {
    const x = new Tensor("float32", randomMatrix("x", [rows, inputs]), [rows, inputs]);
    const runs = Math.ceil(256 / rows);
    const measure = (session: InferenceSession) => () =>
      millisecondsOf(async () => {
        for (let run = 0; run < runs; run++) await session.run({ x });
      });
    const times = await inTurns(
      Object.fromEntries(sessions.map(([name, session]) => [name, measure(session)])),
      rounds,
    );
    const billions = (2 * rows * inputs * outputs * matrices * runs) / 1e9;
    const [[first, baseline] = ["", { median: 0, spread: 0 }], ...others] = Object.entries(times);
    for (const [name, time] of others)
      tell(
        figure(`products of ${rows} rows, ${name}`, "GFLOP/s", perSecond(billions, time), {
          ...perSecond(billions, baseline),
          name: first,
        }),
      );
  }
  for (const [, session] of sessions) await session.release();
}
