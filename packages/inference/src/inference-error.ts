/** Why an inference request failed. */
export type InferenceErrorCode =
  | "model_not_found"
  | "model_unavailable"
  | "model_too_large"
  | "model_crashed"
  | "inference_timeout"
  | "overloaded"
  | "aborted"
  | "invalid_input";

/** The only error that `@genq/inference` throws on purpose. Branch on `code`, never on `message`. */
export class InferenceError extends Error {
  override readonly name = "InferenceError";
  readonly code: InferenceErrorCode;
  /** The model's process died while it worked at this request. */
  readonly processDied: boolean;

  constructor(
    code: InferenceErrorCode,
    message: string,
    options: { cause?: unknown; processDied?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.processDied = options.processDied ?? false;
  }
}
