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

it("tells each mistake of a schema at its place", () => {
  const schema = {
    type: "object",
    properties: {
      "a/b": { not: {} },
      c: { type: "text" },
      d: { $ref: "#/$defs/d" },
      e: { $ref: "#/$defs/e" },
    },
    anyOf: [{ items: { uniqueItems: true } }, 3],
    $defs: { d: { multipleOf: 2, title: "A", items: { $ref: "#" } } },
  };
  const format = { type: "json_schema", json_schema: { schema } };
  const refused = generateRequestSchema.safeParse({ text: "a", response_format: format });
  const place = ["response_format", "json_schema", "schema"];
  expect(
    refused.error?.issues.map(({ path, message }) => [path.slice(3).join(" "), message.slice(0, 16)]),
  ).toEqual([
    ["properties a/b not", "is not supported"],
    ["properties c type", "must be of objec"],
    ["properties e $ref", "leads nowhere: i"],
    ["anyOf 1", "must be an objec"],
    ["$defs d multipleOf", "is not supported"],
    ["anyOf 0 items uniqueItems", "is not supported"],
  ]);
  expect(refused.error?.issues.every(({ path }) => place.every((part, i) => path[i] === part))).toBe(true);
});

it.each([
  ["a constant", `{"const":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
  ["schemas", `${'{"items":'.repeat(70)}{}${"}".repeat(70)}`],
])("refuses %s nested too deep", (_, text) => {
  const format = { type: "json_schema", json_schema: { schema: JSON.parse(text) } };
  const refused = generateRequestSchema.safeParse({ text: "a", response_format: format });
  expect(refused.error?.issues[0]?.message).toContain("nested deeper");
});
