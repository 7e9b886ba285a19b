import { embeddingLimits } from "@genq/contract";
import type { Handler } from "./handler.ts";
import { servedModel } from "./served-model.ts";

export const embed: Handler<"embed"> = async (services, _run, payload) => {
  const asked = servedModel(services, payload.model, "embedding");
  const { model, dimensions, vectors, tokens, truncatedTokens } = await services.inference.embed({
    model: asked.id,
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
