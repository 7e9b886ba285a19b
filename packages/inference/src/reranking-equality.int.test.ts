import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { AutoModelForSequenceClassification, AutoTokenizer, env } from "@huggingface/transformers";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frequentWords } from "../bench/models/tokenizers.ts";
import { withDefaultLimits } from "./limits.ts";
import { type ModelProcess, startModelProcess } from "./model-process.ts";
import { type EncoderDtype, writeHubEncoder } from "./testing/hub-encoder.ts";

/** Cross-encoders with random weights and attention, so that a neighbour in a run would show in a score. */
const shape = { layers: 2, hidden: 32, heads: 4, inner: 64, vocabulary: 6000, positions: 64 };
const seed = Date.now() % 2 ** 31;
const generator = xoroshiro128plus(seed);
const random = (below: number) => uniformInt(generator, 0, below - 1);
const words = (count: number) => Array.from({ length: count }, () => frequentWords[random(200)]).join(" ");

/** With how many control tokens they put around and between two texts. */
const kinds = [
  { like: "bert", special: 3, end: "[SEP]" },
  // As Xenova/bge-reranker-base.
  { like: "xlm-roberta", special: 4, end: "</s>" },
  // As mixedbread-ai/mxbai-rerank-xsmall-v1.
  { like: "deberta-v2", special: 3, end: "[SEP]" },
] as const;

const query = words(6);
// An empty text is no pair to transformers.js.
const texts = Array.from({ length: 60 }, () => words(1 + random(24)));
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "genq-reranking-"));
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${home}/`;
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What transformers.js gives for each pair by itself. */
async function scoresOf(folder: string, dtype: EncoderDtype): Promise<number[]> {
  const name = basename(folder);
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const model = await AutoModelForSequenceClassification.from_pretrained(name, {
    dtype,
    device: "cpu",
  });
  const scores: number[] = [];
  for (const text of texts) {
    const inputs = tokenizer(query, { text_pair: text, padding: true, truncation: true });
    const { logits } = await model(inputs);
    scores.push(Number(logits.sigmoid().data[0]));
  }
  await model.dispose();
  return scores;
}

async function open(
  folder: string,
  dtype: EncoderDtype,
  tokensPerRun: number,
): Promise<ModelProcess & AsyncDisposable> {
  const record = {
    id: "test/reranker",
    task: "reranking",
    revision: "main",
    dtype,
    source: "hub",
  } as const;
  const stop = new AbortController();
  const loaded = await startModelProcess({
    definition: { record: { ...record, maxTokens: 64, description: "" } },
    folder,
    limits: withDefaultLimits({ tokensPerRun, maxRssBytes: 1024 ** 3 }),
    signal: stop.signal,
  });
  return {
    ...loaded,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loaded.ended;
    },
  };
}

describe.each(kinds)("a cross-encoder like $like", ({ like, special, end }) => {
  let folder: string;
  beforeAll(async () => {
    folder = join(home, like);
    for (const dtype of ["fp32", "fp16", "q8"] as const)
      await writeHubEncoder(folder, shape, { like, scores: true, dtype });
  });

  test.each([
    ["fp32", [150, 2000], 1e-4],
    ["fp16", [2000], 5e-3],
    ["q8", [2000], 1e-4],
  ] as const)(
    "gives transformers.js' own scores, whatever the batching, %s",
    async (dtype, budgets, tolerance) => {
      const expected = await scoresOf(folder, dtype);
      expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.01);
      for (const tokensPerRun of budgets) {
        await using model = await open(folder, dtype, tokensPerRun);
        for (let round = 0; round < 2; round++) {
          await Promise.all(
            anyParts().map(async ({ indexes, priority }) => {
              const asked = indexes.map((index) => texts[index] ?? "");
              const { scores } = await model.call({ type: "rerank", query, texts: asked, priority }, {});
              indexes.forEach((index, place) => {
                const difference = Math.abs((expected[index] ?? 9) - (scores[place] ?? 0));
                expect(difference, `seed ${seed}, text ${index}`).toBeLessThan(tolerance);
              });
            }),
          );
        }
      }
    },
  );

  test("tells what is cut, and takes control tokens for text", async () => {
    await using model = await open(folder, "fp32", 512);
    const rerank = (asked: string, text: string) =>
      model.call({ type: "rerank", query: asked, texts: [text], priority: "interactive" }, {});
    const long = await rerank("the time", "people ".repeat(100));
    expect(long).toMatchObject({ tokens: [64], truncatedTokens: [100 - (64 - special - 2)] });
    const half = Math.floor((64 - special) / 2);
    expect(await rerank("people ".repeat(100), "the")).toMatchObject({
      tokens: [half + 1 + special],
      truncatedTokens: [100 - half],
    });
    // Read as a separator it would be one token.
    const spelled = await rerank("the", end);
    expect(spelled.tokens[0]).toBeGreaterThan(1 + 1 + special);
  });
});

/** All texts, in any order, in requests of any size and priority. */
function anyParts(): { indexes: number[]; priority: "interactive" | "bulk" }[] {
  const left = texts.map((_, index) => index);
  const parts = [];
  while (left.length > 0) {
    const indexes = Array.from({ length: Math.min(left.length, 1 + random(20)) }, () =>
      left.splice(random(left.length), 1),
    ).flat();
    parts.push({ indexes, priority: random(3) === 0 ? ("interactive" as const) : ("bulk" as const) });
  }
  return parts;
}
