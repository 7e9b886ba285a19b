import { join } from "node:path";
import { AutoModelForCausalLM, AutoTokenizer } from "@huggingface/transformers";
import type { InferenceSession } from "onnxruntime-node";
import { z } from "zod";
import { chatTemplateFile, generationConfigFile, weightsFile } from "../hub/model-file-list.ts";
import { readIfThere } from "../hub/model-folder.ts";
import type { CallResults, GenerateCall, LoadRequest } from "../messages.ts";
import type { Batching, ModelRecord } from "../types.ts";
import { createAnswer } from "./answer.ts";
import { buildPrompt } from "./chat-prompt.ts";
import { createTextEncoder, type TextEncoder } from "./encode-text.ts";
import { openDecoderGraph } from "./generation/decoder-graph.ts";
import { createGenerationScheduler } from "./generation/generation-scheduler.ts";
import { openDecoder } from "./generation/open-decoder.ts";
import { type DecoderSessions, openSessions } from "./generation/open-sessions.ts";
import { createPrefixCache } from "./generation/prefix-cache.ts";
import { findSharedPrompts, sharedLength } from "./generation/shared-prompts.ts";
import { sessionOptions } from "./session-options.ts";
import { createStructuredOutput } from "./structured-output/structured-output.ts";
import type { Progress } from "./yield-to-events.ts";

/** Tokens of a prompt in one run: 512 take no less time each, and texts that run beside it wait for it. */
const chunkTokens = 64;

export interface GenerationModel {
  encoder: TextEncoder;
  batching: Batching;
  generate(
    call: GenerateCall,
    signal: AbortSignal,
    onText: (delta: string) => void,
  ): Promise<CallResults["generate"]>;
}

/** Loads a generation model from a local folder. It answers calls together where its graph allows that. */
export async function loadGenerationModel(
  { definition, folder, threads, generationRows, cacheBytes, prefixCacheBytes }: LoadRequest,
  name: string,
  progress: Progress,
): Promise<GenerationModel> {
  const { record, chatTemplateVariables: variables = {}, sharedPrompts = [] } = definition;
  const tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: true });
  tokenizer.chat_template ??= await readIfThere(join(folder, chatTemplateFile));
  const encoder = createTextEncoder(tokenizer, progress);
  const endIds = await endOfTextIds(folder, tokenizer.eos_token_id);
  const { steps, prompts } = await openModel(record, folder, name, threads);
  const graph = openDecoderGraph(steps);
  const promptGraph = prompts === steps ? graph : openDecoderGraph(prompts);
  const decoder = await openDecoder(graph, record.dtype, record.device ?? "cpu", promptGraph);
  // A model whose logits depend on where its runs begin would answer from the cache what it does not answer without.
  const prefixBytes = decoder.splits ? Math.min(prefixCacheBytes, cacheBytes / 4) : 0;
  const prefixes = createPrefixCache(prefixBytes, decoder.bytesPerToken);
  const limits = { rows: decoder.batches ? generationRows : 1, cacheBytes, chunkTokens };
  const scheduler = createGenerationScheduler(decoder, prefixes, limits, progress);
  const promptContext = { tokenizer, encoder, variables };
  const shared = await findSharedPrompts(promptContext, sharedPrompts, record.maxTokens);
  const answerContext = {
    tokenizer,
    endIds,
    structuredOutput: createStructuredOutput(tokenizer, endIds, progress),
  };

  async function generate(
    call: GenerateCall,
    signal: AbortSignal,
    onText: (delta: string) => void,
  ): Promise<CallResults["generate"]> {
    // A long answer may take half of the context; a longer prompt than the rest is cut.
    const reserved = Math.min(call.maxNewTokens, Math.floor(record.maxTokens / 2));
    const budget = record.maxTokens - reserved;
    const prompt = await buildPrompt(promptContext, call.messages, budget);
    // A model continues something: an empty prompt is the tokenizer's start of text.
    const promptIds =
      prompt.ids.length > 0 ? prompt.ids : [tokenizer.bos_token_id ?? endIds.values().next().value ?? 0];
    const room = Math.min(call.maxNewTokens, record.maxTokens - promptIds.length);

    const answer = await createAnswer(answerContext, call, { promptIds, room, onText });
    await scheduler.run({
      promptIds,
      maxTokens: promptIds.length + room,
      partition: call.cachePartition,
      sharedTokens: sharedLength(shared, promptIds),
      signal,
      pick: answer.pick,
    });
    return {
      ...answer.end(),
      promptTokens: promptIds.length,
      truncatedTokens: prompt.truncatedTokens,
    };
  }

  return { encoder, batching: decoder.batches ? "continuous" : "one_row", generate };
}

/** On another device transformers.js says where its caches stay. */
async function openModel(
  record: ModelRecord,
  folder: string,
  name: string,
  threads: number,
): Promise<DecoderSessions> {
  const options = sessionOptions(record, threads);
  if (options.device === "cpu")
    return await openSessions(join(folder, weightsFile(record.dtype)), options.session_options);
  const { sessions } = await AutoModelForCausalLM.from_pretrained(name, options);
  // Its sessions have no type; in Node they are onnxruntime-node's.
  const session = sessions["model"] as InferenceSession;
  return { steps: session, prompts: session };
}

const generationConfig = z.looseObject({
  eos_token_id: z.union([z.array(z.number()), z.number().transform((id) => [id])]).nullish(),
});

/** Ids after which an answer is complete: the generation config's, and the tokenizer's. */
async function endOfTextIds(folder: string, tokenizerEnd: number | undefined): Promise<Set<number>> {
  const file = await readIfThere(join(folder, generationConfigFile));
  const { eos_token_id: configured } = generationConfig.parse(JSON.parse(file ?? "{}"));
  return new Set([...(configured ?? []), ...(tokenizerEnd === undefined ? [] : [tokenizerEnd])]);
}
