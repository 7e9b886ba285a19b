import type { Passage } from "@genq/contract";
import { type Inference, InferenceError } from "@genq/inference";

/** A reranking model reads each of so many times the wanted passages: a better order, and a second or so on a CPU. */
const candidatesPerPassage = 3;

/** How many passages to search for so many wanted ones: more where a reranking model picks the best of them. */
export function candidatesFor(inference: Inference, wanted: number): number {
  return inference.records().reranking === undefined ? wanted : wanted * candidatesPerPassage;
}

/** The wanted number of passages, the best first by the reranking model where one is configured. */
export async function rerankPassages(
  inference: Inference,
  question: string,
  passages: readonly Passage[],
  wanted: number,
): Promise<Passage[]> {
  if (inference.records().reranking === undefined || passages.length < 2) return passages.slice(0, wanted);
  const texts = passages.map(({ text }) => text);
  const { results } = await inference.rerank({
    query: question,
    texts,
    topK: wanted,
    priority: "interactive",
  });
  return results.map(({ index }) => {
    const passage = passages[index];
    if (passage === undefined)
      throw new InferenceError("model_crashed", "The model ranked a text that it was not given.");
    return passage;
  });
}
