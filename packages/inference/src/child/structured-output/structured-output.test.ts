import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { answer, output } from "../../testing/random-answer.ts";
import type { ResponseFormat } from "../../types.ts";

const schemaOf = (schema: unknown): ResponseFormat => ({ type: "json_schema", schema });
const Node: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(Node).max(3);
  },
});

const examples: Record<string, z.ZodType> = {
  "flat object": z.object({ name: z.string(), age: z.int().min(0).max(130), ok: z.boolean() }),
  "optional and null": z.object({
    a: z.string().optional(),
    b: z.number().nullable(),
    c: z.null().optional(),
  }),
  "all optional": z.object({ a: z.int().optional(), b: z.int().optional(), c: z.int().optional() }),
  "enum with quotes and Japanese": z.object({ 'k"日本\\': z.enum(['a"b', "日本 🇯🇵", "c\n", "\u0001"]) }),
  "lists of lists": z.array(z.array(z.boolean()).max(2)).min(1).max(3),
  tuple: z.tuple([z.int().min(-5).max(-3), z.literal("x")]),
  "union of types": z.union([z.string().min(2).max(4), z.int().gt(17).lt(23), z.array(z.null())]),
  "told apart by a constant": z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("a"), x: z.number().gt(0).lt(1) }),
    z.object({ kind: z.literal("b"), y: z.number().min(-2.5).max(-2.25) }),
  ]),
  map: z.record(z.string().max(3), z.int().min(99).max(1000)),
  recursive: Node,
  "top-level number": z.number().min(0.001).max(0.0012),
  "short strings": z.object({ s: z.string().length(3) }),
};

describe.each(Object.entries(examples))("%s", (_, example) => {
  const schema = z.toJSONSchema(example);
  test("any seed at any temperature gives JSON that matches", () => {
    const settings = fc.record({
      seed: fc.integer({ min: 0 }),
      temperature: fc.constantFrom(0, 0.3, 1, 100),
      mostTokens: fc.integer({ min: 60, max: 90 }),
      wild: fc.constantFrom(0.1, 5, 50),
    });
    return fc.assert(
      fc.asyncProperty(settings, async (how) => {
        const text = await answer(schemaOf(schema), how);
        expect(example.safeParse(JSON.parse(text)), text).toMatchObject({ success: true });
      }),
      { numRuns: 12 },
    );
  });
});

test("a JSON object is whole however few tokens there are", async () => {
  for (let seed = 1; seed < 30; seed += 1)
    expect(
      JSON.parse(await answer({ type: "json_object" }, { seed, mostTokens: 2 + (seed % 9) })),
    ).toBeTypeOf("object");
});

test.each<[string, unknown, string]>([
  ["no schema", "text", "must be an object or a boolean"],
  ["nothing matches", { not: {} }, '"not" is not supported'],
  ["no type", { type: "foo" }, 'type "foo" is none of'],
  [
    "a keyword that is not kept",
    { properties: { a: { type: "array", uniqueItems: true } } },
    'at /properties/a: "uniqueItems" is not',
  ],
  ["a keyword of another type", { type: "string", minimum: 3 }, '"minimum" does not go with'],
  ["a format that is none", { type: "string", format: "color" }, "format must be one of date, "],
  ["look-around", { type: "string", pattern: "^(?!a)b" }, "pattern has look-around"],
  ["a word's edge", { type: "string", pattern: "\\bb" }, "pattern has \\b"],
  ["a back reference", { type: "string", pattern: "(a)\\1" }, "pattern has \\1"],
  ["no regular expression", { type: "string", pattern: "(" }, "pattern is no regular expression"],
  ["a repeated nothing", { type: "string", pattern: "^(a*)*$" }, "pattern repeats a part that may be empty"],
  ["an anchor in the middle", { type: "string", pattern: "a$b" }, "pattern may have ^ and $ at"],
  ["a pattern and a length", { type: "string", pattern: "^a+$", maxLength: 3 }, "maxLength does not go with"],
  ["crossed bounds", { type: "integer", minimum: 5, maximum: 3 }, "no value matches"],
  ["no integer between", { type: "integer", exclusiveMinimum: 3, exclusiveMaximum: 4 }, "no value matches"],
  ["crossed counts", { type: "array", minItems: 3, maxItems: 2 }, "minItems is larger"],
  ["a reference to nowhere", { $ref: "#/$defs/a" }, "leads nowhere"],
  ["a reference that is no URI", { $ref: "#/%" }, "leads nowhere"],
  ["a reference outside", { $ref: "https://example.org/a" }, 'must begin with "#/"'],
  ["a reference to itself", { $ref: "#" }, "refers to itself"],
  ["a union with itself", { anyOf: [{ $ref: "#" }, { type: "null" }] }, "refers to itself"],
  ["no end", { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }, "no value matches"],
  ["a required stranger", { properties: {}, required: ["a"] }, 'required names "a"'],
  ["oneOf that may overlap", { oneOf: [{ type: "integer" }, { type: "number" }] }, "Use anyOf"],
  ["too few tokens", { type: "string", minLength: 1000 }, "may need 1002 tokens"],
  ["too much text", { const: "a".repeat(70_000) }, "at most 65536 characters"],
  ["too deep", JSON.parse(`${'{"items":'.repeat(500)}{}${"}".repeat(500)}`), "nested deeper"],
])("%s is refused, saying where and what", async (_, schema, message) => {
  await expect(output.begin(schemaOf(schema), 100)).rejects.toThrow(
    expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(message) }),
  );
});

test("a large schema takes little time", async () => {
  const properties = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`p${i}`, { type: "integer" }]),
  );
  for (const required of [[], Object.keys(properties)]) {
    const before = process.cpuUsage();
    const text = await answer(schemaOf({ type: "object", properties, required }), { mostTokens: 3000 });
    expect(Object.keys(JSON.parse(text)).length).toBeGreaterThanOrEqual(required.length);
    expect(process.cpuUsage(before).user).toBeLessThan(5_000_000);
  }
});

test("a schema whose options overlap fails its own answer instead of holding up the others", async () => {
  const anyOf = Array.from({ length: 1000 }, (_, i) => ({
    type: "string",
    minLength: i % 30,
    maxLength: 40 + i,
  }));
  const before = process.threadCpuUsage();
  await expect(answer(schemaOf({ anyOf }), { mostTokens: 300 })).rejects.toThrow(
    expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("too complex") }),
  );
  expect(process.threadCpuUsage(before).user).toBeLessThan(8_000_000);
  expect(JSON.parse(await answer({ type: "json_object" }))).toBeTypeOf("object");
});

test("a schema whose parts multiply is refused or followed in little time", async () => {
  const ambiguous = (depth: number): unknown =>
    depth === 0
      ? { type: "string", maxLength: 50 }
      : {
          anyOf: [1, 2, 3].map((i) => ({
            type: "array",
            items: ambiguous(depth - 1),
            minItems: i,
            maxItems: 50,
          })),
        };
  const before = process.cpuUsage();
  try {
    expect(JSON.parse(await answer(schemaOf(ambiguous(5)), { mostTokens: 300, wild: 0.1 }))).toBeTypeOf(
      "object",
    );
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_input", message: expect.stringContaining("too complex") });
  }
  expect(process.cpuUsage(before).user).toBeLessThan(10_000_000);
});
