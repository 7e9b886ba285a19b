import { AutoModel, AutoTokenizer, Tensor } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { CallResults, EmbedCall, LoadRequest } from "../messages.ts";
import { createEmbeddingQueue, type EmbeddingItem } from "./embedding-queue.ts";
import { createTextEncoder, type TextEncoder } from "./encode-text.ts";
import { normalize, poolRow } from "./pool.ts";
import { sessionOptions } from "./session-options.ts";
import { type Progress, runModel } from "./yield-to-events.ts";

export interface EmbeddingModel {
  encoder: TextEncoder;
  embed(call: EmbedCall, signal: AbortSignal): Promise<CallResults["embed"]>;
}

/** These quantize activations by the range of a whole batch: a vector would depend on its neighbours in the run. */
const unbatchedDtypes = new Set(["q8", "int8", "uint8"]);

/** Loads an embedding model from a local folder. */
export async function loadEmbeddingModel(
  { definition: { record }, threads, tokensPerRun }: LoadRequest,
  name: string,
  progress: Progress,
): Promise<EmbeddingModel> {
  const tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: true });
  const model = await AutoModel.from_pretrained(name, sessionOptions(record, threads));
  const encoder = createTextEncoder(tokenizer, progress);
  const { before, after } = encoder;
  const padding = BigInt(tokenizer.pad_token_id ?? 0);
  const { pooling = "mean", dimensions } = record;

  async function run(rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const length = Math.max(...rows.map((row) => row.length));
    const ids = new BigInt64Array(rows.length * length).fill(padding);
    const mask = new BigInt64Array(rows.length * length);
    rows.forEach((row, index) => {
      for (let i = 0, at = index * length; i < row.length; i += 1, at += 1) {
        ids[at] = BigInt(row[i] ?? 0);
        mask[at] = 1n;
      }
    });
    const shape = [rows.length, length];
    const output: Record<string, Tensor> = await runModel(progress, ids.length, () =>
      model({
        input_ids: new Tensor("int64", ids, shape),
        attention_mask: new Tensor("int64", mask, shape),
      }),
    );
    const hidden = output["last_hidden_state"] ?? output["token_embeddings"];
    const width = hidden?.dims.at(-1);
    if (!hidden || !width || (dimensions !== undefined && width !== dimensions)) {
      throw new InferenceError(
        "model_unavailable",
        `${record.id} gave vectors of ${width} dimensions, not ${dimensions}.`,
      );
    }
    const data = hidden.data;
    if (!(data instanceof Float32Array)) {
      throw new InferenceError("model_unavailable", `${record.id} gave vectors of type ${hidden.type}.`);
    }
    return rows.map((row, index) => {
      const vector = poolRow(data, index, length, row.length, width, pooling);
      return record.normalize ? normalize(vector) : vector;
    });
  }

  const queue = createEmbeddingQueue(run, unbatchedDtypes.has(record.dtype) ? 0 : tokensPerRun, progress);

  async function embed(call: EmbedCall, signal: AbortSignal): Promise<CallResults["embed"]> {
    const prefix = (call.kind === "query" ? record.queryPrefix : record.passagePrefix) ?? "";
    const room = record.maxTokens - before.length - after.length;
    const tokens: number[] = [];
    const truncatedTokens: number[] = [];
    const items: EmbeddingItem[] = [];
    for (const text of call.texts) {
      signal.throwIfAborted();
      const content = await encoder.encode(prefix + text);
      const ids = [...before, ...content.slice(0, room), ...after];
      tokens.push(ids.length);
      truncatedTokens.push(Math.max(0, content.length - room));
      items.push({ ids, priority: call.priority, signal });
    }
    const vectors = await queue.add(items);
    return { vectors, tokens, truncatedTokens };
  }

  return { encoder, embed };
}
