import { type InferenceSession, Tensor } from "onnxruntime-node";
import { InferenceError } from "../../inference-error.ts";
import type { KvInput } from "./kv-layout.ts";
import { asKvTensor } from "./kv-tensor.ts";
import { runInPlace, type Tensors } from "./run-in-place.ts";

/** New tokens of some texts, as many for each, and what they follow. */
interface GraphStep {
  /** For each text its new tokens. */
  ids: readonly (readonly number[])[];
  /** For each text the place of its first new token. */
  positions: readonly number[];
  /** `[texts, columns]`: 1 where a token stands, the new ones included. */
  mask: BigInt64Array;
  /** For each cache what came before. */
  past: readonly Tensor[];
  /** For each cache where to put it and the new; the runtime's choice unless given. */
  present?: readonly Tensor[] | undefined;
}

/** A decoder's session, run with tensors of our own: transformers.js feeds and fetches one text's. */
export interface DecoderGraph {
  caches: readonly KvInput[];
  /** Gives the logits after each text's last token, and the caches. */
  run(step: GraphStep, quiet?: boolean): Promise<{ logits: Float32Array[]; present: readonly Tensor[] }>;
}

const fedInputs = new Set(["input_ids", "attention_mask", "position_ids", "num_logits_to_keep"]);

/** @throws InferenceError `model_unavailable` when the graph wants what a decoder of text does not */
export function openDecoderGraph(session: InferenceSession): DecoderGraph {
  const caches = session.inputMetadata
    .filter(({ name }) => name.startsWith("past_key_values."))
    .map((cache) => describeCache(cache, session.outputNames));
  const unknown = session.inputNames.filter(
    (name) => !fedInputs.has(name) && !caches.some(({ input }) => input === name),
  );
  if (unknown.length > 0) throw unfit(`it has the inputs ${unknown.join(", ")}`);
  if (caches.length === 0) throw unfit("it has no key-value cache");
  const wants = (name: string) => session.inputNames.includes(name);

  async function run({ ids, positions, mask, past, present }: GraphStep, quiet = false) {
    const [texts, tokens] = [ids.length, ids[0]?.length ?? 0];
    const shape = [texts, tokens];
    const feeds: Tensors = {
      input_ids: new Tensor("int64", BigInt64Array.from(ids.flat(), BigInt), shape),
      attention_mask: new Tensor("int64", mask, [texts, mask.length / texts]),
    };
    if (wants("position_ids")) {
      const places = positions.flatMap((first) => Array.from({ length: tokens }, (_, i) => first + i));
      feeds["position_ids"] = new Tensor("int64", BigInt64Array.from(places, BigInt), shape);
    }
    if (wants("num_logits_to_keep"))
      feeds["num_logits_to_keep"] = new Tensor("int64", BigInt64Array.of(1n), []);
    const options: InferenceSession.RunOptions = quiet ? { logSeverityLevel: 4 } : {};
    const named = (name: "input" | "output", tensors: readonly Tensor[]): Tensors =>
      Object.fromEntries(tensors.map((tensor, index) => [caches[index]?.[name] ?? "", tensor]));
    Object.assign(feeds, named("input", past));
    if (present) {
      const logits = await runInPlace(session, feeds, named("output", present), "logits", options);
      return { logits: lastLogits(logits, texts), present };
    }
    const results = await session.run(feeds, ["logits", ...caches.map(({ output }) => output)], options);
    return {
      logits: lastLogits(results["logits"], texts),
      present: caches.map(({ output }) => asKvTensor(expectTensor(results[output], output))),
    };
  }

  return { caches, run };
}

function describeCache(
  { name, ...metadata }: InferenceSession.ValueMetadata,
  outputs: readonly string[],
): KvInput {
  const output = name.replace("past_key_values", "present");
  const [, heads, , size] = metadata.isTensor ? metadata.shape : [];
  const type = metadata.isTensor ? metadata.type : undefined;
  if (!outputs.includes(output)) throw unfit(`it has ${name} but no ${output}`);
  if (typeof heads !== "number" || typeof size !== "number" || (type !== "float32" && type !== "float16"))
    throw unfit(`its ${name} is no cache of numbers by heads`);
  return { input: name, output, type, heads, size };
}

/** Each text's last position, of `[texts, positions, vocabulary]`. */
function lastLogits(tensor: Tensor | undefined, texts: number): Float32Array[] {
  const { data, dims } = expectTensor(tensor, "logits");
  const [, positions = 0, width = 0] = dims;
  if (!(data instanceof Float32Array || data instanceof Float16Array))
    throw unfit("its logits are no numbers");
  const all = data instanceof Float32Array ? data : Float32Array.from(data);
  return Array.from({ length: texts }, (_, text) => {
    const start = ((text + 1) * positions - 1) * width;
    return all.subarray(start, start + width);
  });
}

function expectTensor(tensor: Tensor | undefined, name: string): Tensor {
  if (!tensor) throw unfit(`it gave no ${name}`);
  return tensor;
}

const unfit = (why: string) =>
  new InferenceError("model_unavailable", `The model's graph is no decoder that genq can run: ${why}.`);
