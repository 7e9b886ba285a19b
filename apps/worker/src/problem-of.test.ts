import { AppError } from "@genq/contract";
import { InferenceError } from "@genq/inference";
import { expect, it } from "vitest";
import { failureOf } from "./problem-of.ts";

it("takes over what the contract and inference say", () => {
  expect(failureOf(new AppError("document_encrypted", "Locked."))).toMatchObject({
    retryable: false,
    problem: { code: "document_encrypted", detail: "Locked.", status: 422 },
  });
  expect(failureOf(new InferenceError("model_crashed", "Gone."))).toMatchObject({
    retryable: true,
    problem: { code: "model_crashed" },
  });
  expect(failureOf(new InferenceError("invalid_input", "Bad."))).toMatchObject({
    retryable: false,
    problem: { code: "invalid_request" },
  });
});

it("reads a document once, however its owner may retry", () => {
  const { problem, retryable } = failureOf(new AppError("document_parse_timeout", "Slow."));
  expect([problem.retryable, retryable]).toEqual([true, false]);
});

it("keeps the message of a surprise to itself", () => {
  const { problem, retryable } = failureOf(new Error("password=hunter2"));
  expect(retryable).toBe(true);
  expect(JSON.stringify(problem)).not.toContain("hunter2");
});
