import type { Problem, ProblemCode } from "@genq/contract";

/** A problem's code, or what kept an answer from coming: no connection, no time, or an answer that is not genq's. */
export type GenqErrorCode = ProblemCode | "connection_failed" | "timed_out" | "unexpected_answer";

/** Why a call failed. An abort by the caller's own signal throws that signal's reason instead. */
export class GenqError extends Error {
  override readonly name = "GenqError";
  readonly code: GenqErrorCode;
  /** HTTP status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** The problem (RFC 9457) that the server answered with, or that a failed task holds. */
  readonly problem: Problem | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: GenqErrorCode,
    message: string,
    about: {
      status?: number;
      problem?: Problem;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: about.cause });
    this.code = code;
    this.status = about.status;
    this.problem = about.problem;
    this.retryAfterSeconds = about.retryAfterSeconds;
  }

  static of(problem: Problem, status: number, retryAfterSeconds?: number): GenqError {
    return new GenqError(problem.code, problem.detail, { status, problem, retryAfterSeconds });
  }
}
