import { expect, it } from "vitest";
import { isRetried, type JobKind, jobCatalog, jobKinds, poisonedProblem, problemOfRun } from "./jobs.ts";
import { createProblem, type ProblemCode, problemCodes, problemRegistry } from "./problems.ts";

const all: readonly JobKind[] = ["ingest", "embed", "search", "generate"];
const never: readonly JobKind[] = [];

/** Each code that a run may end in, decided: a code that is new to the registry does not compile until it is. */
const retriedBy: Record<ProblemCode, readonly JobKind[]> = {
  database_unavailable: all,
  model_unavailable: all,
  model_crashed: all,
  inference_timeout: all,
  overloaded: all,
  internal_error: all,
  storage_unavailable: ["ingest"],
  parser_crashed: ["ingest"],
  file_not_ready: ["search", "generate"],
  // The same again ends the same.
  invalid_request: never,
  not_found: never,
  unknown_model: never,
  model_too_large: never,
  unauthorized: never,
  unsupported_media_type: never,
  document_empty: never,
  document_encrypted: never,
  document_corrupt: never,
  document_no_text: never,
  document_too_large: never,
  document_parse_timeout: never,
  poisoned: never,
  // No run ends in these: they answer requests.
  malformed_json: never,
  malformed_multipart: never,
  forbidden: never,
  method_not_allowed: never,
  file_name_taken: never,
  task_not_finished: never,
  task_not_retryable: never,
  idempotency_in_progress: never,
  payload_too_large: never,
  headers_too_large: never,
  request_timeout: never,
  idempotency_mismatch: never,
  rate_limited: never,
  queue_limit_reached: never,
  webhook_url_refused: never,
  webhook_secret_missing: never,
  webhook_disabled: never,
  webhook_limit_reached: never,
  auth_unavailable: never,
  task_canceled: never,
  task_expired: never,
};

it.each(problemCodes)("decides for each kind whether a run that ended in %s is repeated", (code) => {
  expect(jobKinds.filter((kind) => isRetried(kind, code))).toEqual(
    jobKinds.filter((kind) => retriedBy[code].includes(kind)),
  );
});

it.each(jobKinds)("names real codes once and gives time for the attempts of %s", (kind) => {
  const { limits, retry } = jobCatalog[kind];
  expect(problemCodes).toEqual(expect.arrayContaining([...retry.codes]));
  expect(new Set(retry.codes).size).toBe(retry.codes.length);
  // What may end better by itself may also when its user asks again.
  for (const code of retry.codes) expect(problemRegistry[code].retryable).toBe(true);
  expect(retry.attempts).toBeGreaterThan(1);
  expect(retry.backoff.maxMs).toBeGreaterThanOrEqual(retry.backoff.baseMs);
  expect(limits.waitSeconds).toBeGreaterThan(limits.runSeconds);
});

it("tells in a failed task what the policy says", () => {
  const away = createProblem("storage_unavailable", "Away.");
  expect([problemOfRun("ingest", away).retryable, problemOfRun("embed", away).retryable]).toEqual([
    true,
    false,
  ]);
  expect(poisonedProblem(3)).toMatchObject({ code: "poisoned", retryable: false });
});
