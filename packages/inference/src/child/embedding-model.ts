import { AutoModel, AutoTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { CallResults, EmbedCall, LoadRequest } from "../messages.ts";
import { createTextEncoder, type TextEncoder } from "./encode-text.ts";
import { createEncoderRun, tokensPerRunOf } from "./encoder-run.ts";
import { normalize, poolRow } from "./pool.ts";
import { createRowQueue, type QueuedRow, type Row } from "./row-queue.ts";
import { sessionOptions } from "./session-options.ts";
import type { Progress } from "./yield-to-events.ts";

export interface EmbeddingModel {
  encoder: TextEncoder;
  embed(call: EmbedCall, signal: AbortSignal): Promise<CallResults["embed"]>;
}

/** Loads an embedding model from a local folder. */
export async function loadEmbeddingModel(
  request: LoadRequest,
  name: string,
  progress: Progress,
): Promise<EmbeddingModel> {
  const { record } = request.definition;
  const tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: true });
  const model = await AutoModel.from_pretrained(name, sessionOptions(record, request.threads));
  const encoder = createTextEncoder(tokenizer, progress);
  const { before, after } = encoder;
  const { pooling = "mean", dimensions } = record;
  const encoderRun = createEncoderRun(model, tokenizer, progress);

  async function run(rows: readonly Row[]): Promise<Float32Array[]> {
    const output = await encoderRun(rows);
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
    const length = data.length / rows.length / width;
    return rows.map((row, index) => poolRow(data, index, length, row.ids.length, width, pooling));
  }

  const queue = createRowQueue(run, tokensPerRunOf(request), progress);

  async function embed(call: EmbedCall, signal: AbortSignal): Promise<CallResults["embed"]> {
    const prefix = (call.kind === "query" ? record.queryPrefix : record.passagePrefix) ?? "";
    const room = record.maxTokens - before.length - after.length;
    const tokens: number[] = [];
    const truncatedTokens: number[] = [];
    const items: QueuedRow[] = [];
    for (const text of call.texts) {
      signal.throwIfAborted();
      const content = await encoder.encode(prefix + text);
      const ids = [...before, ...content.slice(0, room), ...after];
      tokens.push(ids.length);
      truncatedTokens.push(Math.max(0, content.length - room));
      items.push({ ids, priority: call.priority, signal });
    }
    const whole = await queue.add(items);
    const vectors = whole.map((vector) => {
      // What is cut has another length than 1, so it is normalized after.
      const cut = vector.slice(0, call.dimensions);
      return record.normalize ? normalize(cut) : cut;
    });
    return { vectors, tokens, truncatedTokens };
  }

  return { encoder, embed };
}
