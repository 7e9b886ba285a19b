/** Why an inference request failed. */
export type InferenceErrorCode =
  | "model_not_found"
  | "model_unavailable"
  | "model_crashed"
  | "inference_timeout"
  | "overloaded"
  | "aborted"
  | "invalid_input";

/** Codes after which the same request may succeed. */
const retryableCodes: ReadonlySet<InferenceErrorCode> = new Set([
  "model_unavailable",
  "model_crashed",
  "inference_timeout",
  "overloaded",
]);

/** The only error that `@genq/inference` throws on purpose. Branch on `code`, never on `message`. */
export class InferenceError extends Error {
  override readonly name = "InferenceError";
  readonly code: InferenceErrorCode;
  /** True when the same request may succeed later. */
  readonly retryable: boolean;

  constructor(code: InferenceErrorCode, message: string, options?: { cause?: unknown; retryable?: boolean }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options?.retryable ?? retryableCodes.has(code);
  }
}
