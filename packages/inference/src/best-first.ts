import { InferenceError } from "./inference-error.ts";
import type { CallResults } from "./messages.ts";
import type { RerankedText } from "./types.ts";

/** The texts by their scores; of equal ones the first stays first. */
export function bestFirst({ scores, tokens, truncatedTokens }: CallResults["rerank"]): RerankedText[] {
  const texts = scores.map((score, index): RerankedText => {
    const [seen, cut] = [tokens[index], truncatedTokens[index]];
    if (seen === undefined || cut === undefined)
      throw new InferenceError(
        "model_crashed",
        "The model's process answered with too few numbers of tokens.",
      );
    return { index, score, tokens: seen, truncatedTokens: cut };
  });
  return texts.toSorted((a, b) => b.score - a.score);
}
