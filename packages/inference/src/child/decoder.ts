import { type PreTrainedModel, Tensor } from "@huggingface/transformers";

/** One text being continued: feeds tokens to the model and keeps its key-value cache. */
export interface Decoder {
  /** Runs the model over the new tokens. Gives the logits of the token to follow. */
  feed(ids: readonly number[]): Promise<Float32Array>;
}

/** A decoder at the start of a text. */
export function createDecoder(model: PreTrainedModel): Decoder {
  let cache: Record<string, Tensor> | null = null;
  let seen = 0;

  async function feed(ids: readonly number[]): Promise<Float32Array> {
    seen += ids.length;
    const output: Record<string, Tensor> = await model.forward({
      input_ids: integers(ids.map(BigInt), [1, ids.length]),
      attention_mask: integers(new Array<bigint>(seen).fill(1n), [1, seen]),
      num_logits_to_keep: integers([1n], []),
      past_key_values: cache,
    });
    const present = Object.entries(output).filter(([name]) => name.startsWith("present"));
    cache = Object.fromEntries(
      present.map(([name, tensor]) => [name.replace("present", "past_key_values"), tensor]),
    );
    return lastLogits(output["logits"]);
  }

  return { feed };
}

const integers = (values: bigint[], shape: number[]) =>
  new Tensor("int64", BigInt64Array.from(values), shape);

/** The last position's logits, of `[1, positions, vocabulary]`. */
function lastLogits(logits: Tensor | undefined): Float32Array {
  const width = logits?.dims.at(-1);
  if (!logits || !width) throw new Error("The model has no output named logits.");
  const data = logits.to("float32").data;
  if (!(data instanceof Float32Array)) throw new Error(`The model's logits are of type ${logits.type}.`);
  return data.subarray(data.length - width);
}
