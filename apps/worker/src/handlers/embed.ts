import { embeddingLimits } from "@genq/contract";
import type { Handler } from "./handler.ts";
import { assertServed } from "./served-model.ts";

export const embed: Handler<"embed"> = async ({ inference }, _run, payload) => {
  assertServed(payload.model, inference.records().embedding.id);
  const { model, dimensions, vectors, tokens, truncatedTokens } = await inference.embed({
    texts: payload.texts,
    kind: payload.kind,
    priority: payload.texts.length <= embeddingLimits.syncTexts ? "interactive" : "bulk",
  });
  return {
    result: {
      model,
      dimensions,
      embeddings: vectors.map((vector) => Array.from(vector, shortest)),
      usage: {
        prompt_tokens: tokens.reduce((sum, count) => sum + count, 0),
        truncated_tokens: truncatedTokens,
      },
    },
  };
};

/** Nine digits tell every float32 apart; JSON would write the double's seventeen. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
