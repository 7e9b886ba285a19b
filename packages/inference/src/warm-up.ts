import type { Call } from "./messages.ts";
import type { ModelTask } from "./types.ts";

/** What a model is asked when it has loaded. */
const calls: Record<ModelTask, Call> = {
  embedding: { type: "embed", texts: ["warm-up"], kind: "query", priority: "interactive" },
  reranking: { type: "rerank", query: "warm-up", texts: ["warm-up"], priority: "interactive" },
  generation: {
    type: "generate",
    messages: [{ role: "user", content: "warm-up" }],
    maxNewTokens: 2,
    temperature: 0,
  },
};

export const warmUpCall = (task: ModelTask): Call => calls[task];
