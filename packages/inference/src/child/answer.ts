import type { PreTrainedTokenizer } from "@huggingface/transformers";
import type { CallResults, GenerateCall } from "../messages.ts";
import type { TokenLogprobs } from "../types.ts";
import type { StructuredOutput } from "./structured-output/structured-output.ts";
import { createTextStream } from "./text-stream.ts";
import { createTokenPicker, type PickedToken, type TokenProbability } from "./token-picker.ts";

export interface AnswerContext {
  tokenizer: PreTrainedTokenizer;
  /** The model's own ends of text. */
  endIds: ReadonlySet<number>;
  structuredOutput: StructuredOutput;
}

/** One answer as it grows: from logits to tokens to text. What other answers run beside it changes nothing about it. */
export interface Answer {
  /**
   * Takes the next token by the logits.
   * @returns the token, undefined when the answer ends
   * @throws InferenceError `invalid_input` when the request asks for what this model can't do; only this answer fails
   */
  pick(logits: Float32Array): number | undefined;
  end(): Omit<CallResults["generate"], "promptTokens" | "truncatedTokens">;
}

/** @throws InferenceError `invalid_input` for a format that can't be kept */
export async function createAnswer(
  { tokenizer, endIds, structuredOutput }: AnswerContext,
  call: GenerateCall,
  {
    promptIds,
    room,
    onText,
  }: { promptIds: readonly number[]; room: number; onText: (delta: string) => void },
): Promise<Answer> {
  const decode = (ids: number[], skipSpecial = true) => {
    if (ids.length === 0) return "";
    return tokenizer.decode(ids, { skip_special_tokens: skipSpecial, clean_up_tokenization_spaces: false });
  };
  const picker = createTokenPicker(call, promptIds);
  const guard = call.responseFormat && (await structuredOutput.begin(call.responseFormat, room));
  const stream = createTextStream(decode, call.stop ?? [], onText);
  const ends = endIds.union(new Set(call.stopTokenIds));
  const logprobs: TokenLogprobs[] = [];
  let finishReason: "stop" | "length" = "length";
  let completionTokens = 0;
  let logProbability = 0;

  function isLast(token: number): boolean {
    if (ends.has(token)) return true;
    const isStopped = stream.push(token);
    return guard?.accept(token) || isStopped;
  }

  return {
    pick(logits) {
      const picked = picker.pick(logits, guard?.allowed(room - completionTokens));
      completionTokens += 1;
      logProbability += picked.logProbability;
      if (call.logprobs !== undefined) logprobs.push(tellLogprobs(picked, (id) => decode([id], false)));
      if (isLast(picked.token)) finishReason = "stop";
      return finishReason === "stop" || completionTokens >= room ? undefined : picked.token;
    },
    end: () => ({
      text: stream.end(),
      finishReason,
      confidence: completionTokens > 0 ? Math.exp(logProbability / completionTokens) : 0,
      completionTokens,
      logprobs: call.logprobs === undefined ? undefined : logprobs,
    }),
  };
}

function tellLogprobs({ top, ...picked }: PickedToken, textOf: (token: number) => string): TokenLogprobs {
  const tell = ({ token, logProbability }: TokenProbability) => ({
    token: textOf(token),
    logprob: logProbability,
  });
  return { ...tell(picked), top: top.map(tell) };
}
