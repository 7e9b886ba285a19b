import { type InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it, test } from "vitest";
import { quantizeBlocks } from "../../../bench/models/quantize.ts";
import { randomMatrix } from "../../../bench/models/random-weights.ts";
import { GraphBuilder } from "../../../mini/graph-builder.ts";
import { MICROSOFT, onnxModel } from "../../../mini/onnx-file.ts";
import { openTiny, tinyDecoderFile, tinyVocabulary } from "../../testing/tiny-decoder.ts";
import { keepLastLogits, roomToGrow } from "./last-logits.ts";

const hidden = 32;

/** A head behind a table of vectors, which stand for what the layers make. */
function headFile(addHead: (b: GraphBuilder, input: string) => void, inputs: readonly string[] = []) {
  const b = new GraphBuilder();
  b.graph.inputs.push({ name: "input_ids", type: "int64", shape: ["texts", "tokens"] });
  for (const name of inputs) b.graph.inputs.push({ name, type: "int64", shape: [] });
  b.graph.outputs.push({ name: "logits", type: "float", shape: ["texts", "tokens", tinyVocabulary] });
  const table = b.floats("table", randomMatrix("table", [tinyVocabulary, hidden]), [tinyVocabulary, hidden]);
  addHead(b, b.op("/model/norm/output_0", "Gather", [table, "input_ids"]));
  return onnxModel(b.graph, "head", "Random weights.", [MICROSOFT]);
}

const withLastLogits = (file: Uint8Array) => keepLastLogits(Buffer.concat([file, Buffer.alloc(roomToGrow)]));

const weights = randomMatrix("head", [hidden, tinyVocabulary]);
const product = (b: GraphBuilder, name: string, input: string) =>
  b.op(name, "MatMul", [input, b.floats("head", weights, [hidden, tinyVocabulary])]);

const ids = { input_ids: new Tensor("int64", BigInt64Array.from([5n, 9n, 11n, 60n, 2n, 1n]), [2, 3]) };
async function logitsOf(session: InferenceSession): Promise<Tensor> {
  const { logits } = await session.run(ids, ["logits"]);
  if (!logits) throw new Error("There are no logits.");
  return logits;
}

test.each<[string, (b: GraphBuilder, input: string) => void]>([
  ["of a plain product", (b, input) => product(b, "logits", input)],
  [
    "of blocks of 4 bits",
    (b, input) => {
      const { bytes, scales } = quantizeBlocks(randomMatrix("turned", [tinyVocabulary, hidden]));
      const inputs = [
        input,
        b.bytes("q4", bytes, [tinyVocabulary, 1, 16]),
        b.floats("scales", scales, [tinyVocabulary]),
      ];
      const sizes = { K: hidden, N: tinyVocabulary, bits: 4, block_size: 32 };
      b.op("logits", "MatMulNBits", inputs, sizes, MICROSOFT);
    },
  ],
  [
    "that are capped",
    (b, input) => {
      const scaled = b.op("scaled", "Div", [product(b, "raw", input), b.float([30])]);
      b.op("logits", "Mul", [b.op("capped", "Tanh", [scaled]), b.float([30])]);
    },
  ],
])("computes the last logits alone: %s", async (_, addHead) => {
  const file = headFile(addHead);
  const all = await logitsOf(await openTiny(file));
  const last = await logitsOf(await openTiny(withLastLogits(file)));
  expect([all.dims, last.dims]).toEqual([
    [2, 3, tinyVocabulary],
    [2, 1, tinyVocabulary],
  ]);
  const rows = [2, 5].map((row) => all.data.slice(row * tinyVocabulary, (row + 1) * tinyVocabulary));
  expect([...last.data]).toEqual(rows.flatMap((row) => [...row]));
});

it("finds the head of whole decoders", () => {
  for (const attention of ["grouped", "plain"] as const) {
    const file = tinyDecoderFile({ attention, cache: "float", places: "given" });
    expect(withLastLogits(file).length).toBeGreaterThan(file.length);
  }
});

test.each<[string, Uint8Array]>([
  ["that has a switch for it", headFile((b, input) => product(b, "logits", input), ["num_logits_to_keep"])],
  [
    "whose head it does not know",
    headFile((b, input) => b.op("logits", "Add", [product(b, "raw", input), b.float([1])])),
  ],
  ["that has no logits", headFile((b, input) => product(b, "other", input))],
])("leaves a graph %s", (_, file) => {
  expect(withLastLogits(file)).toEqual(Buffer.from(file));
});
