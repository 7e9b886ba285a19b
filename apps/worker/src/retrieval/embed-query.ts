import { type Inference, InferenceError } from "@genq/inference";

/** The vector of a question, ahead of bulk work. */
export async function embedQuery(
  inference: Inference,
  text: string,
): Promise<{ model: string; vector: Float32Array }> {
  const { model, vectors } = await inference.embed({
    texts: [text],
    kind: "query",
    priority: "interactive",
  });
  const [vector] = vectors;
  if (vector === undefined) throw new InferenceError("model_crashed", "The model gave no vector.");
  return { model, vector };
}
