import type { Inference } from "@genq/inference";

/**
 * The models as one run uses them: whatever it asks ends with the run, and has the model's process to itself when an
 * attempt of the same task ended without a report. Should it die again, no neighbour is charged for it.
 */
export function inferenceOfRun(
  inference: Inference,
  run: { signal: AbortSignal; alone: boolean },
): Inference {
  return {
    ...inference,
    embed: (request) => inference.embed({ ...request, ...run }),
    countTokens: (texts, options) => inference.countTokens(texts, { ...options, ...run }),
    rerank: (request) => inference.rerank({ ...request, ...run }),
    generate: (request) => inference.generate({ ...request, ...run }),
    generateStream: (request) => inference.generateStream({ ...request, ...run }),
  };
}
