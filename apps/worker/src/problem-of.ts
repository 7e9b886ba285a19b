import { AppError, createProblem, type Problem, type ProblemCode } from "@genq/contract";
import { InferenceError, type InferenceErrorCode } from "@genq/inference";

export interface Failure {
  problem: Problem;
  /** Another run of the same task may end better. */
  retryable: boolean;
}

const inferenceProblems: Record<InferenceErrorCode, ProblemCode> = {
  model_not_found: "unknown_model",
  model_unavailable: "model_unavailable",
  model_crashed: "model_crashed",
  inference_timeout: "inference_timeout",
  overloaded: "overloaded",
  // The task itself was not aborted (`runTask` looks at that first): inference was closed under it.
  aborted: "model_unavailable",
  invalid_input: "invalid_request",
};

/** What about the document itself is wrong stays wrong; its owner may retry by hand. */
const finalCodes: ReadonlySet<ProblemCode> = new Set(["document_parse_timeout"]);

/** What an error of a run means for its task. An error that nobody foresaw is told without its message. */
export function failureOf(error: unknown): Failure {
  const problem = problemOf(error);
  return { problem, retryable: problem.retryable && !finalCodes.has(problem.code) };
}

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.toProblem();
  if (error instanceof InferenceError) return createProblem(inferenceProblems[error.code], error.message);
  return createProblem(
    "internal_error",
    "The worker failed in a way that it does not know. Its log tells more.",
  );
}
