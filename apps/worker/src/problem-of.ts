import {
  AppError,
  createProblem,
  isRetried,
  type JobKind,
  type Problem,
  type ProblemCode,
  problemOfRun,
} from "@genq/contract";
import { InferenceError, type InferenceErrorCode } from "@genq/inference";

export interface Failure {
  problem: Problem;
  /** Another run of the same task may end better, says the policy of its kind. */
  retryable: boolean;
  /** The process in which the model or the parser runs died under the run: the attempt counts as one without a report. */
  unreported: boolean;
}

const inferenceProblems: Record<InferenceErrorCode, ProblemCode> = {
  model_not_found: "unknown_model",
  model_unavailable: "model_unavailable",
  model_too_large: "model_too_large",
  model_crashed: "model_crashed",
  inference_timeout: "inference_timeout",
  overloaded: "overloaded",
  // The task itself was not aborted (`runTask` looks at that first): inference was closed under it.
  aborted: "model_unavailable",
  invalid_input: "invalid_request",
};

/** What an error of a run means for its task. An error that nobody foresaw is told without its message. */
export function failureOf(kind: JobKind, error: unknown): Failure {
  const problem = problemOfRun(kind, problemOf(error));
  return { problem, retryable: isRetried(kind, problem.code), unreported: isDeath(error) };
}

function problemOf(error: unknown): Problem {
  if (error instanceof AppError) return error.toProblem();
  if (error instanceof InferenceError) return createProblem(inferenceProblems[error.code], error.message);
  return createProblem(
    "internal_error",
    "The worker failed in a way that it does not know. Its log tells more.",
  );
}

function isDeath(error: unknown): boolean {
  if (error instanceof InferenceError) return error.processDied;
  return error instanceof AppError && error.code === "parser_crashed";
}
