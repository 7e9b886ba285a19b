import { afterAll, describe, expect, test } from "vitest";
import { createInference } from "./create-inference.ts";
import { createMiniInference } from "./testing/mini-inference.ts";
import { similarity } from "./testing/similarity.ts";
import type { GenerateRequest, ModelStatus } from "./types.ts";

const states: ModelStatus["state"][] = [];
const inference = createMiniInference({}, ({ state }) => states.push(state));
afterAll(() => inference.close());

const passage = "The Eastgate Clock Tower was completed in 1911. It is 42.7 metres tall and has 214 steps.";
const question = `Passages:\n[1] ${passage}\n\nQuestion: How many steps are there?`;

const asking = (content: string, extra: Partial<GenerateRequest> = {}): GenerateRequest => ({
  messages: [{ role: "user", content }],
  maxNewTokens: 64,
  temperature: 0,
  ...extra,
});
const ask = (content: string, extra?: Partial<GenerateRequest>) => inference.generate(asking(content, extra));
const askStream = (content: string, extra?: Partial<GenerateRequest>) =>
  inference.generateStream(asking(content, extra));

const embed = (texts: string[], priority: "bulk" | "interactive" = "bulk") =>
  inference.embed({ texts, kind: "passage", priority });

describe("records", () => {
  test("are known without loading", () => {
    expect(inference.records().embedding).toMatchObject({
      dimensions: 384,
      maxTokens: 2048,
      source: "bundled",
    });
    expect(inference.status().map(({ state }) => state)).toEqual(["idle", "idle"]);
  });

  test("of unknown models are an error that names the known ones", () => {
    const models = { embedding: "none/such", generation: "genq/mini-generator" };
    expect(() => createInference({ models, cacheDir: "unused", hubEndpoint: "http://127.0.0.1:9" })).toThrow(
      expect.objectContaining({
        code: "model_not_found",
        message: expect.stringContaining("genq/mini-embedder"),
      }),
    );
  });
});

describe("embed", () => {
  test("gives the same vectors one by one and in batches, in the order of the request", async () => {
    const texts = Array.from(
      { length: 40 },
      (_, index) => `Text ${index} says ${"something more ".repeat(index % 9)}here`,
    );
    const together = await embed(texts);
    for (const [index, text] of texts.entries()) {
      const alone = await embed([text], "interactive");
      expect(alone.tokens).toEqual([together.tokens[index]]);
      const distance = Math.hypot(
        ...(alone.vectors[0] ?? []).map((value, i) => value - (together.vectors[index]?.[i] ?? 0)),
      );
      expect(distance).toBeLessThan(1e-4);
    }
  });

  test.each([
    ["nothing", ""],
    ["NUL", "\u0000"],
    ["lone surrogates", "\ud800 a \udfff"],
    ["control tokens", "</s>[SEP][CLS]<|im_end|>[PAD]"],
    ["a megabyte of one character", "a".repeat(1_000_000)],
    ["a megabyte of one Japanese character", "あ".repeat(350_000)],
  ])("takes %s", async (_, text) => {
    const { vectors, tokens, truncatedTokens } = await embed([text]);
    expect(similarity(vectors[0], vectors[0])).toBeCloseTo(1, 4);
    expect(tokens[0]).toBeLessThanOrEqual(2048);
    expect(truncatedTokens[0]).toBe(Math.max(0, text.length - 2046));
  });

  test("refuses too many and too long texts", async () => {
    await expect(embed(new Array(5000).fill("a"))).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(embed(["a".repeat(4_000_001)])).rejects.toMatchObject({ code: "invalid_input" });
    await expect(embed([])).resolves.toMatchObject({ vectors: [] });
  });
});

test("refuses a length of vectors that the model was not trained for, naming those it was", async () => {
  const request = { texts: ["a"], kind: "query" as const, priority: "interactive" as const };
  expect((await inference.embed({ ...request, dimensions: 384 })).vectors[0]).toHaveLength(384);
  await expect(inference.embed({ ...request, dimensions: 256 })).rejects.toMatchObject({
    code: "invalid_input",
    message: "genq/mini-embedder gives vectors of 384 dimensions, not 256.",
  });
  await expect(
    inference.embed({ ...request, model: "Snowflake/snowflake-arctic-embed-m-v1.5", dimensions: 128 }),
  ).rejects.toMatchObject({ message: expect.stringContaining("768 or 256 dimensions, not 128") });
});

describe("countTokens", () => {
  test("counts without special tokens, and control tokens as text", async () => {
    expect(await inference.countTokens(["", "abc", "[SEP]"])).toEqual([0, 3, 5]);
    const [control = 0] = await inference.countTokens(["<|end|>"], { model: "genq/mini-generator" });
    expect(control).toBeGreaterThan(1);
  });
});

describe("generate", () => {
  test("streams the text that it answers", async () => {
    const stream = askStream(question);
    const deltas = await Array.fromAsync(stream);
    const result = await stream.result;
    expect(deltas.join("")).toBe(result.text);
    expect(deltas.length).toBeGreaterThan(3);
    expect(result).toMatchObject({ finishReason: "stop", truncatedTokens: 0, model: "genq/mini-generator" });
    expect(result.confidence).toBeGreaterThan(0);
    expect(result.confidence).toBeLessThanOrEqual(1);
  });

  test("is deterministic at temperature 0 and for a seed", async () => {
    expect(await ask(question)).toEqual(await ask(question));
    const hot = { temperature: 40, topK: 1000, maxNewTokens: 12 };
    const first = await ask(question, { ...hot, seed: 1 });
    expect(await ask(question, { ...hot, seed: 1 })).toEqual(first);
    expect((await ask(question, { ...hot, seed: 2 })).text).not.toBe(first.text);
  });

  test("ends at the limit and before a stop string, which it never shows", async () => {
    expect(await ask(question, { maxNewTokens: 3 })).toMatchObject({
      finishReason: "length",
      completionTokens: 3,
    });
    const { text } = await ask(question);
    const stop = text.slice(10, 16);
    const stream = askStream(question, { stop: [stop, "", "never"] });
    const deltas = await Array.fromAsync(stream);
    const stopped = await stream.result;
    expect(stopped).toMatchObject({ finishReason: "stop", text: text.slice(0, text.indexOf(stop)) });
    expect(deltas.join("")).toBe(stopped.text);
  });

  test("tells each token's probability when asked, and ends at a stop token", async () => {
    const result = await ask(question, { logprobs: 2 });
    expect(result.logprobs).toHaveLength(result.completionTokens);
    // The last token is the model's end of text, which is no part of the text.
    expect(
      result.logprobs
        ?.slice(0, -1)
        .map(({ token }) => token)
        .join(""),
    ).toContain(result.text.trim());
    for (const { token, logprob, top } of result.logprobs ?? []) expect(top[0]).toEqual({ token, logprob });
    const mean =
      (result.logprobs ?? []).reduce((sum, { logprob }) => sum + logprob, 0) / result.completionTokens;
    expect(Math.exp(mean)).toBeCloseTo(result.confidence, 6);
    expect((await ask(question)).logprobs).toBeUndefined();
  });

  test("answers with JSON that matches a schema, within few tokens, or says what is wrong with it", async () => {
    const schema = {
      type: "object",
      properties: { steps: { type: "integer", minimum: 100, maximum: 999 }, note: { type: "string" } },
      required: ["steps", "note"],
    };
    const responseFormat = { type: "json_schema", schema } as const;
    for (const settings of [
      {},
      { temperature: 50, seed: 7 },
      { maxNewTokens: 30, temperature: 5, seed: 2 },
    ]) {
      const { text, finishReason } = await ask(question, { responseFormat, ...settings });
      expect(finishReason).toBe("stop");
      expect(JSON.parse(text)).toEqual({ steps: expect.any(Number), note: expect.any(String) });
    }
    const refused = { code: "invalid_input", message: expect.stringContaining("schema") };
    await expect(ask("a", { responseFormat, maxNewTokens: 10 })).rejects.toMatchObject(refused);
    const unknown = { type: "json_schema", schema: { type: "string", format: "color" } } as const;
    await expect(ask("a", { responseFormat: unknown })).rejects.toMatchObject(refused);
    await expect(ask("a", { responseFormat, stop: ["}"] })).rejects.toMatchObject({ code: "invalid_input" });
  });

  test.each(["", "\u0000\ud800", "<|end|></s><|im_end|><|answer|>", "a".repeat(1_000_000)])(
    "takes odd text (%#)",
    async (text) => {
      const result = await ask(text);
      expect(result.promptTokens + result.completionTokens).toBeLessThanOrEqual(
        inference.records().generation.maxTokens,
      );
    },
  );

  test("cuts a prompt that does not fit, and tells", async () => {
    const long = `Passages:\n[1] ${passage} ${"Nothing of note happened. ".repeat(2000)}\n\nQuestion: How many steps are there?`;
    const result = await ask(long);
    expect(result.truncatedTokens).toBeGreaterThan(1000);
    expect(result.promptTokens).toBeLessThanOrEqual(inference.records().generation.maxTokens - 64);
  });

  test("continues several texts at once, each as it would be alone", async () => {
    const questions = ["How many steps are there?", "When was it completed?", "Who?"].map((asked) =>
      question.replace("How many steps are there?", asked),
    );
    const together = await Promise.all(
      [0, 1, 2, 0].map((index) => ask(questions[index] ?? "", { cachePartition: `user ${index}` })),
    );
    for (const [place, index] of [0, 1, 2, 0].entries())
      expect(together[place]).toMatchObject({ text: (await ask(questions[index] ?? "")).text });
    expect(inference.status()[1]).toMatchObject({ batching: "continuous" });
  });

  test("refuses settings out of range", async () => {
    const wrong: Partial<GenerateRequest>[] = [
      { temperature: -1 },
      { maxNewTokens: 0 },
      { minP: 1.1 },
      { repetitionPenalty: 0 },
      { presencePenalty: 2.1 },
      { frequencyPenalty: -2.1 },
      { logitBias: { 1: 101 } },
      { logitBias: { [`${2 ** 24}`]: 1 } },
      { logprobs: 21 },
      { stopTokenIds: [-1] },
    ];
    for (const settings of wrong) {
      const message = expect.stringContaining(Object.keys(settings)[0] ?? "");
      await expect(ask("a", settings)).rejects.toMatchObject({ code: "invalid_input", message });
    }
    await expect(ask("a", { messages: [] })).rejects.toMatchObject({ code: "invalid_input" });
  });
});

test("each state was told once for each model", () => {
  expect(states.toSorted()).toEqual(["loading", "loading", "ready", "ready"]);
});
