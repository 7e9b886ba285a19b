import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { InferenceError } from "../inference-error.ts";
import type { Row } from "./row-queue.ts";

/** What a tokenizer's post-processor puts around two texts, and which of them it tells each token to be of. */
export interface PairTemplate {
  /** Tokens that are of neither text. */
  readonly specialTokens: number;
  join(first: readonly number[], second: readonly number[]): Row;
}

/** @throws InferenceError `model_unavailable` when the tokenizer does not tell two texts apart */
export function pairTemplate(tokenizer: PreTrainedTokenizer): PairTemplate {
  const bare = (text: string) => tokenizer.encode(text, { add_special_tokens: false });
  const [one, two] = [bare("a"), bare("b")];
  const { input_ids: whole, token_type_ids: types = [] } = tokenizer("a", {
    text_pair: "b",
    return_tensor: false,
  });
  const first = find(whole, one, 0);
  const second = find(whole, two, first + one.length);
  const between = whole.slice(first + one.length, second);
  if (first < 0 || second < 0 || between.length === 0) {
    throw new InferenceError(
      "model_unavailable",
      "The tokenizer puts nothing between the two texts of a pair.",
    );
  }
  const before = whole.slice(0, first);
  const after = whole.slice(second + two.length);
  const typeOf = (at: number) => types[at] ?? 0;
  return {
    specialTokens: before.length + between.length + after.length,
    join: (firstIds, secondIds) => ({
      ids: [...before, ...firstIds, ...between, ...secondIds, ...after],
      typeIds: [
        ...before.map((_, index) => typeOf(index)),
        ...firstIds.map(() => typeOf(first)),
        ...between.map((_, index) => typeOf(first + one.length + index)),
        ...secondIds.map(() => typeOf(second)),
        ...after.map((_, index) => typeOf(second + two.length + index)),
      ],
    }),
  };
}

function find(whole: readonly number[], part: readonly number[], from: number): number {
  return whole.findIndex(
    (_, index) => index >= from && part.every((id, offset) => whole[index + offset] === id),
  );
}
