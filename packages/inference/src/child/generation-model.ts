import { AutoModelForCausalLM, AutoTokenizer, type PreTrainedModel } from "@huggingface/transformers";
import type { CallResults, GenerateCall, LoadRequest } from "../messages.ts";
import type { TokenLogprobs } from "../types.ts";
import { buildPrompt } from "./chat-prompt.ts";
import { createDecoder } from "./decoder.ts";
import { createTextEncoder, type TextEncoder } from "./encode-text.ts";
import { sessionOptions } from "./session-options.ts";
import { createTextStream } from "./text-stream.ts";
import { createTokenPicker, type PickedToken, type TokenProbability } from "./token-picker.ts";
import { finishStep, type Progress, runModel } from "./yield-to-events.ts";

export interface GenerationModel {
  encoder: TextEncoder;
  generate(
    call: GenerateCall,
    signal: AbortSignal,
    onText: (delta: string) => void,
  ): Promise<CallResults["generate"]>;
}

/** Loads a generation model from a local folder. It answers one call at a time: the parent sends no second one. */
export async function loadGenerationModel(
  { definition: { record, chatTemplateVariables: variables = {} }, threads }: LoadRequest,
  name: string,
  progress: Progress,
): Promise<GenerationModel> {
  const tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: true });
  const model = await AutoModelForCausalLM.from_pretrained(name, sessionOptions(record, threads));
  const encoder = createTextEncoder(tokenizer, progress);
  const endIds = endOfTextIds(model, tokenizer.eos_token_id);
  const decode = (ids: number[]) => {
    if (ids.length === 0) return "";
    return tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  };

  async function generate(
    call: GenerateCall,
    signal: AbortSignal,
    onText: (delta: string) => void,
  ): Promise<CallResults["generate"]> {
    // A long answer may take half of the context; a longer prompt than the rest is cut.
    const reserved = Math.min(call.maxNewTokens, Math.floor(record.maxTokens / 2));
    const budget = record.maxTokens - reserved;
    const prompt = await buildPrompt({ tokenizer, encoder, variables }, call.messages, budget);
    // A model continues something: an empty prompt is the tokenizer's start of text.
    const promptIds =
      prompt.ids.length > 0 ? prompt.ids : [tokenizer.bos_token_id ?? endIds.values().next().value ?? 0];
    const room = Math.min(call.maxNewTokens, record.maxTokens - promptIds.length);

    const decoder = createDecoder(model);
    const stream = createTextStream(decode, call.stop ?? [], onText);
    const picker = createTokenPicker(call, promptIds);
    const ends = endIds.union(new Set(call.stopTokenIds));
    const logprobs: TokenLogprobs[] = [];
    let finishReason: "stop" | "length" = "length";
    let completionTokens = 0;
    let logProbability = 0;
    let next: readonly number[] = promptIds;
    while (completionTokens < room) {
      signal.throwIfAborted();
      const fed = next;
      const logits = await runModel(progress, fed.length, () => decoder.feed(fed));
      const picked = picker.pick(logits);
      await finishStep(progress);
      completionTokens += 1;
      logProbability += picked.logProbability;
      if (call.logprobs !== undefined) logprobs.push(tellLogprobs(picked));
      if (ends.has(picked.token) || stream.push(picked.token)) {
        finishReason = "stop";
        break;
      }
      next = [picked.token];
    }
    return {
      text: stream.end(),
      finishReason,
      confidence: completionTokens > 0 ? Math.exp(logProbability / completionTokens) : 0,
      promptTokens: promptIds.length,
      completionTokens,
      truncatedTokens: prompt.truncatedTokens,
      logprobs: call.logprobs === undefined ? undefined : logprobs,
    };
  }

  function tellLogprobs({ top, ...picked }: PickedToken): TokenLogprobs {
    const tell = ({ token, logProbability }: TokenProbability) => ({
      token: tokenizer.decode([token], { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
      logprob: logProbability,
    });
    return { ...tell(picked), top: top.map(tell) };
  }

  return { encoder, generate };
}

/** Ids after which an answer is complete: the generation config's, and the tokenizer's. */
function endOfTextIds(model: PreTrainedModel, tokenizerEnd: number | undefined): Set<number> {
  const configured = model.generation_config?.eos_token_id ?? [];
  const ids = Array.isArray(configured) ? configured : [configured];
  return new Set(tokenizerEnd === undefined ? ids : [...ids, tokenizerEnd]);
}
