import { expect, test } from "vitest";
import type { ModelRecord } from "../types.ts";
import { checkConfig } from "./check-config.ts";

const embedding: ModelRecord = {
  id: "acme/model",
  task: "embedding",
  revision: "main",
  dtype: "q8",
  source: "hub",
  dimensions: 384,
  maxTokens: 512,
  description: "",
};
const generation: ModelRecord = { ...embedding, task: "generation", dimensions: 0 };
const bert = {
  architectures: ["BertModel"],
  vocab_size: 30522,
  hidden_size: 384,
  max_position_embeddings: 512,
};

test.each([
  ["a BERT", embedding, bert],
  ["a masked language model", embedding, { ...bert, architectures: ["XLMRobertaForMaskedLM"] }],
  ["a config without architectures", embedding, { model_type: "bert", vocab_size: 10 }],
])("takes %s", (_, record, config) => {
  expect(() => checkConfig(record, config)).not.toThrow();
});

test.each([
  [
    "a vision model",
    embedding,
    { architectures: ["ViTModel"], hidden_size: 384 },
    "it is ViTModel, which reads no text",
  ],
  [
    "a classifier",
    embedding,
    { ...bert, architectures: ["BertForSequenceClassification"] },
    "not like BertModel",
  ],
  [
    "an encoder that is to generate",
    { ...generation, dimensions: 384 },
    bert,
    "it is BertModel, not like LlamaForCausalLM",
  ],
  [
    "another length of vectors",
    embedding,
    { ...bert, hidden_size: 768 },
    "768 dimensions, and its record says 384",
  ],
  ["a shorter context", embedding, { ...bert, max_position_embeddings: 128 }, "reads 128 tokens at most"],
  ["no object", embedding, [], "its config.json is wrong"],
])("refuses %s", (_, record, config, reason) => {
  expect(() => checkConfig(record, config)).toThrow(
    expect.objectContaining({
      code: "model_unavailable",
      message: expect.stringMatching(new RegExp(`^acme/model can't be used for ${record.task}: .*${reason}`)),
    }),
  );
});
