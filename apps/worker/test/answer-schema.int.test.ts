import { generateRequestSchema } from "@genq/contract";
import { createInference } from "@genq/inference";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";

const inference = createInference({
  models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
  cacheDir: "unused",
  hubEndpoint: "http://127.0.0.1:9",
});
afterAll(() => inference.close());

/** One schema for each keyword of JSON Schema 2020-12's vocabularies, and OpenAPI's. */
const schemas: Record<string, unknown>[] = [
  ...["$anchor", "$dynamicAnchor", "$vocabulary", "contentEncoding", "contentMediaType", "contentSchema"],
  ...["dependentRequired", "dependentSchemas", "discriminator", "nullable", "patternProperties", "xml"],
]
  .map((keyword): Record<string, unknown> => ({ [keyword]: {} }))
  .concat([
    ...["$comment", "$id", "$schema", "description", "title"].map((keyword) => ({ [keyword]: "a" })),
    ...["$defs", "default", "definitions", "deprecated", "examples"].map((keyword) => ({ [keyword]: {} })),
    ...["readOnly", "writeOnly"].map((keyword) => ({ [keyword]: true })),
    ...["if", "then", "else", "not", "contains", "unevaluatedItems"].map((keyword) => ({ [keyword]: {} })),
    { additionalProperties: { type: "null" } },
    { allOf: [{}] },
    { anyOf: [{}] },
    { const: 1 },
    { dependencies: {} },
    { enum: [1] },
    { exclusiveMaximum: 1 },
    { exclusiveMinimum: 1 },
    ...["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"].map(
      (format) => ({ format }),
    ),
    z.toJSONSchema(z.email()),
    { format: "color", pattern: "^a" },
    { format: "color" },
    { items: {} },
    { maxContains: 1 },
    { maxItems: 1 },
    { maxLength: 1 },
    { maxProperties: 1 },
    { maximum: 1 },
    { minContains: 1 },
    { minItems: 1 },
    { minLength: 1 },
    { minProperties: 1 },
    { minimum: 1 },
    { multipleOf: 1 },
    { oneOf: [{ type: "null" }, { type: "string" }] },
    { pattern: "a" },
    { pattern: "(?=a)" },
    { pattern: "(?<!a)" },
    { pattern: "(a)\\1" },
    { prefixItems: [{}] },
    { properties: { a: {} }, required: ["a"] },
    { propertyNames: { type: "string" } },
    { $ref: "#/$defs/a", $defs: { a: {} } },
    { $ref: "#/$defs/b", $defs: { a: {} } },
    { $ref: "https://example.org" },
    { type: "text" },
    { type: ["string", "null"] },
    { unevaluatedProperties: false },
    { uniqueItems: true },
  ]);

it.each(schemas.map((schema) => [JSON.stringify(schema), schema] as const))(
  "what the request's check says of %s, the model says too",
  async (_, schema) => {
    const response_format = { type: "json_schema", json_schema: { schema } };
    const told = generateRequestSchema.safeParse({ text: "a", response_format }).success;
    const answered = await inference
      .generate({
        messages: [{ role: "user", content: "a" }],
        maxNewTokens: 60,
        temperature: 0,
        responseFormat: { type: "json_schema", schema },
      })
      .then(
        () => true,
        (error: Error) => error.message,
      );
    expect(answered === true, String(answered)).toBe(told);
  },
);
