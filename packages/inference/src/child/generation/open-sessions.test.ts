import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, expect, it } from "vitest";
import { quantizeBlocks } from "../../../bench/models/quantize.ts";
import { randomMatrix } from "../../../bench/models/random-weights.ts";
import { GraphBuilder } from "../../../mini/graph-builder.ts";
import { MICROSOFT, onnxModel } from "../../../mini/onnx-file.ts";
import { tinyDecoderFile, tinyVocabulary } from "../../testing/tiny-decoder.ts";
import { openDecoderGraph } from "./decoder-graph.ts";
import { openDecoder } from "./open-decoder.ts";
import { openSessions } from "./open-sessions.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-open-sessions-"));
afterAll(() => rm(folder, { recursive: true }));

const options = { intraOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: "0" } } } };
async function open(name: string, bytes: Uint8Array) {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return await openSessions(file, options);
}
const ids = new Tensor("int64", BigInt64Array.from([5n, 9n, 11n]), [1, 3]);

it("makes a decoder compute the last logits alone, and still run texts together", async () => {
  const { steps, prompts } = await open(
    "decoder.onnx",
    tinyDecoderFile({ attention: "grouped", cache: "float", places: "given" }),
  );
  expect(prompts).toBe(steps);
  const cache = new Tensor("float32", [], [1, 2, 0, 8]);
  const caches = steps.inputNames.filter((name) => name.startsWith("past_key_values."));
  const { logits } = await steps.run({
    input_ids: ids,
    position_ids: new Tensor("int64", [0n, 1n, 2n], [1, 3]),
    attention_mask: new Tensor("int64", [1n, 1n, 1n], [1, 3]),
    ...Object.fromEntries(caches.map((name) => [name, cache])),
  });
  expect(logits?.dims).toEqual([1, 1, tinyVocabulary]);
  expect(await openDecoder(openDecoderGraph(steps), "fp32", "cpu")).toMatchObject({ batches: true });
});

it("finds weights that lie in a file beside the graph", async () => {
  const hidden = 8;
  const b = new GraphBuilder();
  b.graph.inputs.push({ name: "input_ids", type: "int64", shape: ["texts", "tokens"] });
  b.graph.outputs.push({ name: "logits", type: "float", shape: ["texts", "tokens", tinyVocabulary] });
  const table = randomMatrix("table", [tinyVocabulary, hidden]);
  await writeFile(join(folder, "model.onnx_data"), Buffer.from(table.buffer));
  b.graph.initializers.push(tensorElsewhere("table", [tinyVocabulary, hidden], "model.onnx_data"));
  const head = b.op("head", "Transpose", ["table"], { perm: [1, 0] });
  b.op("logits", "MatMul", [b.op("hidden_states", "Gather", ["table", "input_ids"]), head]);

  const { steps } = await open("model.onnx", onnxModel(b.graph, "elsewhere", "Random weights."));
  const { logits } = await steps.run({ input_ids: ids });
  expect(logits?.dims).toEqual([1, 1, tinyVocabulary]);
  const row = (token: number) => table.subarray(token * hidden, (token + 1) * hidden);
  const product = row(11).reduce((sum, value, i) => sum + value * (row(3)[i] ?? 0), 0);
  expect(logits?.data[3]).toBeCloseTo(product, 4);
});

it.runIf(process.arch === "x64")(
  "has prompts run without rounding what goes into 4-bit products",
  async () => {
    const { steps, prompts } = await open("rounds.onnx", blockHead(4));
    const exact = await open("exact.onnx", blockHead(0));
    expect(exact.prompts).toBe(exact.steps);
    const logitsOf = async (session: InferenceSession) =>
      (await session.run({ input_ids: ids }))["logits"]?.data;
    const wanted = await logitsOf(exact.steps);
    expect(await logitsOf(prompts)).toEqual(wanted);
    expect(await logitsOf(steps)).not.toEqual(wanted);
  },
);

it("does not load large weights twice, also where they lie beside the graph", async () => {
  await writeFile(join(folder, "large.onnx_data"), "");
  await truncate(join(folder, "large.onnx_data"), 513 * 1024 ** 2);
  const { steps, prompts } = await open("large.onnx", blockHead(4));
  expect(prompts).toBe(steps);
});

it("leaves it to ONNX Runtime to tell of a file that is none", async () => {
  await expect(open("broken.onnx", Buffer.from("<html>"))).rejects.toThrow(/broken\.onnx.*Protobuf/);
  await expect(openSessions(join(folder, "none.onnx"), options)).rejects.toThrow(/none\.onnx/);
});

/** A table and a head of 4 bits that takes its input as `level` says. */
function blockHead(level: number): Uint8Array {
  const hidden = 64;
  const b = new GraphBuilder();
  b.graph.inputs.push({ name: "input_ids", type: "int64", shape: ["texts", "tokens"] });
  b.graph.outputs.push({ name: "logits", type: "float", shape: ["texts", "tokens", tinyVocabulary] });
  const table = b.floats("table", randomMatrix("table", [tinyVocabulary, hidden]), [tinyVocabulary, hidden]);
  const { bytes, scales } = quantizeBlocks(randomMatrix("head", [tinyVocabulary, hidden]));
  const weights = b.bytes("head", bytes, [tinyVocabulary, hidden / 32, 16]);
  b.op(
    "logits",
    "MatMulNBits",
    [b.op("hidden_states", "Gather", [table, "input_ids"]), weights, b.float(scales, [scales.length])],
    { K: hidden, N: tinyVocabulary, bits: 4, block_size: 32, accuracy_level: level },
    MICROSOFT,
  );
  return onnxModel(b.graph, "blocks", "Random weights.", [MICROSOFT]);
}

/** A TensorProto of float32 whose numbers are in another file, as a part of a graph. */
function tensorElsewhere(name: string, shape: readonly number[], file: string): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(5, WireType.LengthDelimited).fork();
  for (const size of shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(1).tag(8, WireType.LengthDelimited).string(name);
  writer.tag(13, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string("location").tag(2, WireType.LengthDelimited).string(file);
  writer.join().tag(14, WireType.Varint).int32(1).join();
  return writer.finish();
}
