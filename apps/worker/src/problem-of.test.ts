import { AppError } from "@genq/contract";
import { InferenceError } from "@genq/inference";
import { expect, it } from "vitest";
import { failureOf } from "./problem-of.ts";

it("takes over what the contract and inference say", () => {
  expect(failureOf("ingest", new AppError("document_encrypted", "Locked."))).toMatchObject({
    retryable: false,
    problem: { code: "document_encrypted", detail: "Locked.", status: 422, retryable: false },
  });
  expect(failureOf("embed", new InferenceError("model_crashed", "Gone."))).toMatchObject({
    retryable: true,
    problem: { code: "model_crashed", retryable: true },
  });
  expect(failureOf("embed", new InferenceError("invalid_input", "Bad."))).toMatchObject({
    retryable: false,
    problem: { code: "invalid_request" },
  });
});

it("follows the policy of the task's kind, and so does the problem that is told", () => {
  const away = new AppError("storage_unavailable", "Away.");
  expect(failureOf("ingest", away)).toMatchObject({ retryable: true, problem: { retryable: true } });
  expect(failureOf("search", away)).toMatchObject({ retryable: false, problem: { retryable: false } });
});

it("counts the death of the process that worked at the task, and no other failure", () => {
  const died = new InferenceError("inference_timeout", "Killed.", { processDied: true });
  expect(failureOf("generate", died).unreported).toBe(true);
  expect(failureOf("ingest", new AppError("parser_crashed", "SIGSEGV")).unreported).toBe(true);
  const others = [
    new InferenceError("model_crashed", "The model gave too few vectors."),
    new InferenceError("inference_timeout", "Slow."),
    new AppError("inference_timeout", "The run took too long."),
    new Error("a surprise"),
  ];
  expect(others.map((error) => failureOf("generate", error).unreported)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

it("keeps the message of a surprise to itself", () => {
  const { problem, retryable } = failureOf("embed", new Error("password=hunter2"));
  expect(retryable).toBe(true);
  expect(JSON.stringify(problem)).not.toContain("hunter2");
});
