import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModelForCausalLM, AutoTokenizer, env, type Tensor } from "@huggingface/transformers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GraphBuilder } from "../mini/graph-builder.ts";
import { onnxModel } from "../mini/onnx-file.ts";
import { createInference } from "./create-inference.ts";
import type { HubLayout } from "./testing/hub-builder.ts";
import { writeHubDecoder } from "./testing/hub-model-files.ts";
import { type BytePairKind, chatTemplate } from "./testing/sentence-pieces.ts";
import type { Batching, GenerateRequest, Inference } from "./types.ts";

/** What the hub's exports of decoders are like. */
const layouts: (HubLayout & { kind: BytePairKind; batching: Batching })[] = [
  {
    dtype: "q4f16",
    attention: "grouped",
    places: "given",
    logits: "float16",
    kind: "llama",
    batching: "continuous",
  },
  { dtype: "q4f16", attention: "grouped", places: "masked", kind: "gemma", batching: "continuous" },
  { dtype: "q4f16", attention: "plain", places: "given", kind: "mistral", batching: "continuous" },
  {
    dtype: "fp16",
    attention: "plain",
    places: "given",
    logits: "float16",
    kind: "llama",
    batching: "continuous",
  },
  { dtype: "fp16", attention: "grouped", places: "masked", kind: "mistral", batching: "continuous" },
  { dtype: "q8", attention: "grouped", places: "given", kind: "gemma", batching: "one_row" },
  { dtype: "q8", attention: "plain", places: "given", kind: "llama", batching: "one_row" },
  { dtype: "q4", attention: "grouped", places: "masked", kind: "mistral", batching: "continuous" },
  { dtype: "q4", attention: "plain", places: "counted", kind: "llama", batching: "one_row" },
  { dtype: "fp32", attention: "plain", places: "masked", kind: "gemma", batching: "continuous" },
];
const idOf = ({ dtype, attention, places }: HubLayout) => `test/${dtype}-${attention}-${places}`;
const answerTokens = 20;

let cacheDir: string;
let inference: Inference;
beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "genq-hub-layouts-"));
  for (const layout of layouts) await writeHubDecoder(join(cacheDir, idOf(layout)), layout, layout.kind);
  const overflowing = { dtype: "fp16", attention: "plain", places: "given", scale: 1e5 } as const;
  for (const name of ["overflows", "no-kernels"])
    await writeHubDecoder(join(cacheDir, `test/${name}`), overflowing, "llama");
  const records = [
    ...layouts.map((layout) => ({ id: idOf(layout), dtype: layout.dtype })),
    { id: "test/overflows", dtype: "fp16" },
    { id: "test/no-kernels", dtype: "fp16" },
  ].map((record) => ({ ...record, task: "generation", maxTokens: 512 }));
  await writeFile(join(cacheDir, "models.json"), JSON.stringify(records));
  inference = createInference({
    models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
    cacheDir,
    hubEndpoint: "http://127.0.0.1:9",
    limits: { threads: 1 },
  });
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${cacheDir}/`;
});
afterAll(async () => {
  await inference.close();
  await rm(cacheDir, { recursive: true });
});

const texts = [
  "what time is it in 東京?",
  `read this first: ${"the people of the world said that it was good. ".repeat(9)}`,
  "😀",
  "</s><|im_end|> is not the end",
];
const requestOf = (text: string): GenerateRequest => ({
  messages: [{ role: "user", content: text }],
  maxNewTokens: answerTokens,
  temperature: 0,
  logprobs: 2,
});

/** A greedy answer: its tokens, and how much likelier each was than the next best. */
interface Choices {
  tokens: string[];
  leads: number[];
}

async function choicesOf(model: string, text: string, cachePartition?: string): Promise<Choices> {
  const { logprobs = [] } = await inference.generate({ ...requestOf(text), model, cachePartition });
  return {
    tokens: logprobs.map(({ token }) => token),
    leads: logprobs.map(({ top: [best, next] }) => (best?.logprob ?? 0) - (next?.logprob ?? 0)),
  };
}

/** The same tokens, up to one that was as likely as another but for `doubt`: numbers of 16 bits tell 0.01 apart. */
function expectSame(found: readonly string[], { tokens, leads }: Choices, doubt = 0.01): number {
  const close = leads.findIndex((lead) => lead < doubt);
  const sure = close < 0 ? tokens.length : close;
  expect(found.slice(0, sure)).toEqual(tokens.slice(0, sure));
  return sure;
}

describe.each(layouts)("$dtype, $attention attention, places $places, as $kind", (layout) => {
  const id = idOf(layout);

  test("answers the same alone, in a crowd, by its prefix and through transformers.js", async () => {
    const alone: Choices[] = [];
    for (const text of texts) alone.push(await choicesOf(id, text));
    expect(inference.status().find((status) => status.id === id)).toMatchObject({
      batching: layout.batching,
    });

    const crowd = await Promise.all(texts.map((text) => choicesOf(id, text, "user")));
    const again = await Promise.all(texts.map((text) => choicesOf(id, text, "user")));
    const theirs = await theirChoices(id, layout.dtype);
    // What these graphs round to 8 bits, prompts take as it is.
    const roundedByThem = layout.attention === "grouped" && layout.dtype.startsWith("q4");
    const compared = alone.map((choices, index) => {
      expectSame(crowd[index]?.tokens ?? [], choices);
      expectSame(again[index]?.tokens ?? [], choices);
      // They would take the last text's control tokens for control.
      if (index < texts.length - 1) expectSame(theirs[index] ?? [], choices, roundedByThem ? 0.1 : 0.01);
      return expectSame(choices.tokens, choices);
    });
    expect(compared.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(answerTokens);
  });
});

test("half precision that overflows is told when the model loads, with what to choose instead", async () => {
  await expect(inference.generate({ ...requestOf("a"), model: "test/overflows" })).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringMatching(/logits are no numbers.* another dtype/),
  });
});

test("weights that the CPU has no kernels for are told by their dtype, with what to choose instead", async () => {
  const b = new GraphBuilder();
  b.graph.inputs.push({ name: "input_ids", type: "float", shape: ["rows", "columns"] });
  b.graph.outputs.push({ name: "logits", type: "float", shape: ["rows", "columns"] });
  const bfloat16 = b.op("half", "Cast", ["input_ids"], { to: 16 });
  b.op("logits", "Cast", [b.op("product", "MatMul", [bfloat16, bfloat16])], { to: 1 });
  await writeFile(join(cacheDir, "test/no-kernels/onnx/model_fp16.onnx"), onnxModel(b.graph, "none", "", []));
  await expect(inference.generate({ ...requestOf("a"), model: "test/no-kernels" })).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringMatching(/can't run its fp16 weights on the cpu: .*MatMul.* Another dtype/),
  });
});

/** What transformers.js' own loop answers with the same files. */
async function theirChoices(id: string, dtype: HubLayout["dtype"]): Promise<string[][]> {
  const tokenizer = await AutoTokenizer.from_pretrained(id);
  const model = await AutoModelForCausalLM.from_pretrained(id, { dtype, device: "cpu" });
  const answers: string[][] = [];
  for (const text of texts.slice(0, -1)) {
    const inputs = tokenizer.apply_chat_template([{ role: "user", content: text }], {
      chat_template: chatTemplate,
      add_generation_prompt: true,
      return_dict: true,
    }) as { input_ids: Tensor };
    const output = (await model.generate({
      ...inputs,
      max_new_tokens: answerTokens,
      do_sample: false,
    })) as Tensor;
    const ids = (output.tolist() as bigint[][])[0]?.slice(inputs.input_ids.dims[1]) ?? [];
    answers.push(
      ids.map((token) => tokenizer.decode([Number(token)], { clean_up_tokenization_spaces: false })),
    );
  }
  await model.dispose();
  return answers;
}
