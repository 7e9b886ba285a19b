import { type PreTrainedModel, type PreTrainedTokenizer, Tensor } from "@huggingface/transformers";
import type { LoadRequest } from "../messages.ts";
import type { Row } from "./row-queue.ts";
import { type Progress, runModel } from "./yield-to-events.ts";

/** These quantize activations by the range of a whole batch: an answer would depend on its neighbours in the run. */
const unbatchedDtypes = new Set(["q8", "int8", "uint8"]);

/** How many tokens an encoder is given in a run, padding included; 0 for one row at a time. */
export function tokensPerRunOf({ definition: { record }, tokensPerRun }: LoadRequest): number {
  return unbatchedDtypes.has(record.dtype) ? 0 : tokensPerRun;
}

/** Runs an encoder over rows, the shorter ones padded on the right. Half precision comes back as whole. */
export function createEncoderRun(model: PreTrainedModel, tokenizer: PreTrainedTokenizer, progress: Progress) {
  const padding = BigInt(tokenizer.pad_token_id ?? 0);

  return async (rows: readonly Row[]): Promise<Record<string, Tensor>> => {
    const length = Math.max(...rows.map((row) => row.ids.length));
    const shape = [rows.length, length];
    const ids = new BigInt64Array(rows.length * length).fill(padding);
    const mask = new BigInt64Array(rows.length * length);
    const types = new BigInt64Array(rows.length * length);
    rows.forEach((row, index) => {
      for (let i = 0, at = index * length; i < row.ids.length; i += 1, at += 1) {
        ids[at] = BigInt(row.ids[i] ?? 0);
        mask[at] = 1n;
        types[at] = BigInt(row.typeIds?.[i] ?? 0);
      }
    });
    const outputs: Record<string, Tensor> = await runModel(progress, ids.length, () =>
      model({
        input_ids: new Tensor("int64", ids, shape),
        attention_mask: new Tensor("int64", mask, shape),
        ...(rows[0]?.typeIds && { token_type_ids: new Tensor("int64", types, shape) }),
      }),
    );
    return mapValues(outputs, (output) => (output.type === "float16" ? output.to("float32") : output));
  };
}

const mapValues = <Value>(values: Readonly<Record<string, Value>>, change: (value: Value) => Value) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
