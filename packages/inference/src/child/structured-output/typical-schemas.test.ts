import { describe, expect, test } from "vitest";
import { z } from "zod";
import { answer } from "../../testing/random-answer.ts";

const Address = z.object({ street: z.string().max(40), zip: z.string().regex(/^\d{5}(-\d{4})?$/) });
const typical: Record<string, z.ZodType> = {
  email: z.email(),
  uuid: z.uuid(),
  "date, time, moment": z.tuple([
    z.iso.date(),
    z.iso.time(),
    z.iso.datetime(),
    z.iso.datetime({ offset: true }),
  ]),
  duration: z.iso.duration(),
  url: z.url(),
  addresses: z.tuple([z.ipv4(), z.ipv6()]),
  "ids with patterns of their own": z.tuple([z.nanoid(), z.ulid(), z.cuid2()]),
  "any integer": z.int(),
  "bounded numbers": z.object({
    age: z.int().min(0).max(150),
    share: z.number().min(0).max(1),
    price: z.number().positive(),
  }),
  nullable: z.object({ nickname: z.string().nullable(), born: z.iso.date().nullable() }),
  "optional, default, described": z
    .object({
      title: z.string().describe("A title").default("none"),
      tags: z.array(z.string()).max(5).optional(),
    })
    .meta({ title: "Page", examples: [{ title: "a" }] }),
  "enum and constants": z.object({
    level: z.enum(["low", "mid", "high"]),
    v: z.literal([1, "two", null, true]),
  }),
  "strict object": z.strictObject({ a: z.boolean() }),
  records: z.object({
    byName: z.record(z.string(), z.number()),
    byLevel: z.partialRecord(z.enum(["a", "b"]), z.int()),
    both: z.record(z.enum(["a", "b"]), z.boolean()),
  }),
  "used twice": z.object({ home: Address, work: Address }),
  "told apart": z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("image"), url: z.url() }),
  ]),
  phone: z.string().regex(/^\+?[1-9]\d{6,14}$/),
  slug: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
  "somewhere within": z.string().regex(/colou?r/),
  "quotes, kana, anything": z.string().regex(/^"[ぁ-ん]{1,3}\\[^a-z]\S.\n?$/),
};

/** Of OpenAI's guide to structured outputs. */
const documented: Record<string, Record<string, unknown>> = {
  "maths steps": {
    type: "object",
    properties: {
      steps: {
        type: "array",
        items: {
          type: "object",
          properties: { explanation: { type: "string" }, output: { type: "string" } },
          required: ["explanation", "output"],
          additionalProperties: false,
        },
      },
      final_answer: { type: "string" },
    },
    required: ["steps", "final_answer"],
    additionalProperties: false,
  },
  "string and number constraints": {
    type: "object",
    properties: {
      name: { type: "string", description: "The name of the user" },
      username: { type: "string", description: "It must start with @", pattern: "^@[a-zA-Z0-9_]+$" },
      email: { type: "string", description: "The email of the user", format: "email" },
    },
    additionalProperties: false,
    required: ["name", "username", "email"],
  },
  "optional by null": {
    type: "object",
    properties: {
      location: { type: "string" },
      unit: { type: ["string", "null"], enum: ["F", "C", null] },
    },
    additionalProperties: false,
    required: ["location", "unit"],
  },
  "definitions, anyOf": {
    type: "object",
    properties: {
      item: {
        anyOf: [
          {
            type: "object",
            properties: { age: { type: "number" } },
            additionalProperties: false,
            required: ["age"],
          },
          { $ref: "#/$defs/step" },
        ],
      },
    },
    $defs: {
      step: {
        type: "object",
        properties: { output: { type: "string" } },
        required: ["output"],
        additionalProperties: false,
      },
    },
    required: ["item"],
    additionalProperties: false,
  },
  "linked list": {
    type: "object",
    properties: { linked_list: { $ref: "#/$defs/node" } },
    $defs: {
      node: {
        type: "object",
        properties: {
          value: { type: "number" },
          next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
        },
        additionalProperties: false,
        required: ["next", "value"],
      },
    },
    additionalProperties: false,
    required: ["linked_list"],
  },
};

const all = [
  ...Object.entries(typical).map(([name, schema]) => [name, schema, z.toJSONSchema(schema)] as const),
  ...Object.entries(documented).map(([name, schema]) => [name, z.fromJSONSchema(schema), schema] as const),
];

describe.each(all)("%s", (_, checker, schema) => {
  test.each([1, 2, 3, 4, 5, 6])("random logits give what it describes (%i)", async (seed) => {
    const settings = { seed, temperature: seed % 2, mostTokens: 250 + seed, wild: seed > 3 ? 50 : 1 };
    const text = await answer({ type: "json_schema", schema }, settings);
    expect(checker.safeParse(JSON.parse(text)), text).toMatchObject({ success: true });
  });
});
