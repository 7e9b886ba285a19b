import { AutoModelForSequenceClassification, AutoTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { CallResults, LoadRequest, RerankCall } from "../messages.ts";
import { createTextEncoder, type TextEncoder } from "./encode-text.ts";
import { createEncoderRun, tokensPerRunOf } from "./encoder-run.ts";
import { pairTemplate } from "./pair-template.ts";
import { createRowQueue, type QueuedRow, type Row } from "./row-queue.ts";
import { sessionOptions } from "./session-options.ts";
import type { Progress } from "./yield-to-events.ts";

export interface RerankingModel {
  encoder: TextEncoder;
  rerank(call: RerankCall, signal: AbortSignal): Promise<CallResults["rerank"]>;
}

/** Loads a cross-encoder from a local folder: it reads a query and a text together, and tells how well they fit. */
export async function loadRerankingModel(
  request: LoadRequest,
  name: string,
  progress: Progress,
): Promise<RerankingModel> {
  const { record } = request.definition;
  const tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: true });
  const options = sessionOptions(record, request.threads);
  const model = await AutoModelForSequenceClassification.from_pretrained(name, options);
  const encoder = createTextEncoder(tokenizer, progress);
  const pair = pairTemplate(tokenizer);
  const encoderRun = createEncoderRun(model, tokenizer, progress);

  async function run(rows: readonly Row[]): Promise<number[]> {
    const { logits } = await encoderRun(rows);
    if (!(logits?.data instanceof Float32Array) || logits.data.length !== rows.length) {
      const what = logits ? `${logits.type} of [${logits.dims.join(", ")}]` : "nothing";
      throw new InferenceError(
        "model_unavailable",
        `${record.id} gave ${what} for ${rows.length} texts; a reranking model gives one number for each.`,
      );
    }
    return Array.from(logits.data, (logit) => 1 / (1 + Math.exp(-logit)));
  }

  const queue = createRowQueue(run, tokensPerRunOf(request), progress);

  async function rerank(call: RerankCall, signal: AbortSignal): Promise<CallResults["rerank"]> {
    const room = record.maxTokens - pair.specialTokens;
    const query = await encoder.encode(call.query);
    // A long query leaves half of the room to the texts.
    const queryIds = query.slice(0, Math.floor(room / 2));
    const textRoom = room - queryIds.length;
    const tokens: number[] = [];
    const truncatedTokens: number[] = [];
    const rows: QueuedRow[] = [];
    for (const text of call.texts) {
      signal.throwIfAborted();
      const content = await encoder.encode(text);
      const row = pair.join(queryIds, content.slice(0, textRoom));
      tokens.push(row.ids.length);
      truncatedTokens.push(query.length - queryIds.length + Math.max(0, content.length - textRoom));
      rows.push({ ...row, priority: call.priority, signal });
    }
    return { scores: await queue.add(rows), tokens, truncatedTokens };
  }

  return { encoder, rerank };
}
