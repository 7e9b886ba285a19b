import { expect, it } from "vitest";
import { type GenerateInput, generateRequestSchema } from "./generation.ts";

const json_schema = { name: "answer", strict: true, schema: { type: "object" } };

it("takes every setting that people know from elsewhere", () => {
  const request: GenerateInput = {
    text: "a",
    temperature: 2,
    top_p: 1,
    top_k: 1,
    min_p: 1,
    repetition_penalty: 0.5,
    presence_penalty: -2,
    frequency_penalty: 2,
    logit_bias: { 5: -100 },
    logprobs: true,
    top_logprobs: 20,
    seed: 1,
    stop_token_ids: [2],
    stop: ["."],
    response_format: { type: "text" },
  };
  expect(generateRequestSchema.parse(request)).toEqual(request);
  const structured: GenerateInput = { text: "a", response_format: { type: "json_schema", json_schema } };
  expect(generateRequestSchema.parse(structured)).toEqual(structured);
});

it.each<[string, Record<string, unknown>]>([
  ["min_p", { min_p: 1.1 }],
  ["repetition_penalty", { repetition_penalty: 0 }],
  ["presence_penalty", { presence_penalty: 2.1 }],
  ["frequency_penalty", { frequency_penalty: -2.1 }],
  ["logit_bias", { logit_bias: { a: 1 } }],
  ["logit_bias", { logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1])) }],
  ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
  ["top_logprobs", { top_logprobs: 1 }],
  ["stop_token_ids", { stop_token_ids: [-1] }],
  ["max_new_tokens", { max_new_tokens: 0 }],
  ["max_new_tokens", { max_new_tokens: 4097 }],
  ["response_format", { response_format: { type: "yaml" } }],
  ["response_format", { response_format: { type: "json_object" }, stop: "}" }],
  [
    "response_format",
    { response_format: { type: "json_schema", json_schema: { schema: { const: "a".repeat(70_000) } } } },
  ],
])("refuses %s out of range, by its name", (name, fields) => {
  const refused = generateRequestSchema.safeParse({ text: "a", ...fields });
  expect(refused.error?.issues.map(({ path }) => path[0])).toEqual([name]);
});
