import { z } from "zod";

/**
 * Every error that genq answers with, in one place: HTTP status, RFC 9457 title, and whether the same request may
 * succeed later without a change. The API maps a code to HTTP; a failed task stores the same object, in which
 * `retryable` follows the retry policy of the task's kind.
 */
export const problemRegistry = {
  invalid_request: { status: 400, title: "The request is not valid", retryable: false },
  malformed_json: { status: 400, title: "The body is not valid JSON", retryable: false },
  malformed_multipart: { status: 400, title: "The body is not valid multipart/form-data", retryable: false },
  unauthorized: { status: 401, title: "A valid access token is needed", retryable: false },
  forbidden: { status: 403, title: "This key may not use this route", retryable: false },
  not_found: { status: 404, title: "There is nothing here", retryable: false },
  method_not_allowed: { status: 405, title: "This method is not supported here", retryable: false },
  request_timeout: { status: 408, title: "The request took too long to arrive", retryable: true },
  file_name_taken: { status: 409, title: "A file of this name exists with other content", retryable: false },
  task_not_finished: { status: 409, title: "The task has not finished", retryable: false },
  task_not_retryable: { status: 409, title: "This task can't be retried", retryable: false },
  idempotency_in_progress: {
    status: 409,
    title: "The first request with this key is still running",
    retryable: true,
  },
  payload_too_large: { status: 413, title: "The body is too large", retryable: false },
  unsupported_media_type: { status: 415, title: "This kind of content is not supported", retryable: false },
  idempotency_mismatch: {
    status: 422,
    title: "This Idempotency-Key was used with another request",
    retryable: false,
  },
  unknown_model: { status: 422, title: "This model is not served here", retryable: false },
  file_not_ready: { status: 409, title: "The file is not ready for search yet", retryable: true },
  headers_too_large: { status: 431, title: "The headers are too large", retryable: false },
  webhook_url_refused: { status: 422, title: "No webhook may go to this URL", retryable: false },
  webhook_secret_missing: {
    status: 409,
    title: "There is no secret to sign webhooks with",
    retryable: false,
  },
  webhook_disabled: { status: 409, title: "The webhook is switched off", retryable: false },
  webhook_limit_reached: { status: 409, title: "There are as many webhooks as may be", retryable: false },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  queue_limit_reached: { status: 429, title: "Too many tasks are waiting", retryable: true },
  document_empty: { status: 422, title: "The file is empty", retryable: false },
  document_encrypted: { status: 422, title: "The document is encrypted", retryable: false },
  document_corrupt: { status: 422, title: "The document is damaged", retryable: false },
  document_no_text: { status: 422, title: "The document has no text", retryable: false },
  document_too_large: { status: 422, title: "The document is too large", retryable: false },
  document_parse_timeout: { status: 422, title: "Reading the document took too long", retryable: false },
  parser_crashed: { status: 503, title: "The process that reads the document died", retryable: true },
  storage_unavailable: { status: 503, title: "File storage can't be reached", retryable: true },
  database_unavailable: { status: 503, title: "The database can't be reached", retryable: true },
  auth_unavailable: { status: 503, title: "The sign-in keys can't be fetched", retryable: true },
  model_unavailable: { status: 503, title: "The model can't be loaded", retryable: true },
  model_too_large: {
    status: 503,
    title: "The model does not fit into the server's memory",
    retryable: false,
  },
  model_crashed: { status: 503, title: "The model process died", retryable: true },
  inference_timeout: { status: 504, title: "The model took too long", retryable: true },
  overloaded: { status: 503, title: "The server is overloaded", retryable: true },
  poisoned: { status: 500, title: "The task ended its process three times", retryable: false },
  task_canceled: { status: 409, title: "The task was canceled", retryable: false },
  task_expired: { status: 410, title: "The task waited longer than its deadline", retryable: true },
  internal_error: { status: 500, title: "Something went wrong on our side", retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ProblemCode = keyof typeof problemRegistry;

export const problemCodes = Object.keys(problemRegistry) as [ProblemCode, ...ProblemCode[]];

/** One thing wrong with one field of a request. `path` is a JSON Pointer into the body, or `query/name`. */
export const fieldErrorSchema = z
  .object({ path: z.string(), message: z.string() })
  .meta({ id: "FieldError" });
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** `application/problem+json` (RFC 9457), with genq's own members after `instance`. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: "A URI reference that names the code" }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: "What was wrong, where, and what to do" }),
    code: z.enum(problemCodes),
    request_id: z.string().optional(),
    retryable: z.boolean(),
    errors: z.array(fieldErrorSchema).optional(),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

/** Makes the problem object of a code. `detail` tells what was wrong, where, and what to do. */
export function createProblem(
  code: ProblemCode,
  detail: string,
  extra: { requestId?: string; errors?: FieldError[] } = {},
): Problem {
  const { status, title, retryable } = problemRegistry[code];
  return {
    type: `/problems/${code}`,
    title,
    status,
    detail,
    code,
    retryable,
    ...(extra.requestId === undefined ? {} : { request_id: extra.requestId }),
    ...(extra.errors === undefined ? {} : { errors: extra.errors }),
  };
}
