import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frequentWords } from "../bench/models/tokenizers.ts";
import { createEmbeddingHost } from "./embedding-host.ts";
import { withDefaultLimits } from "./limits.ts";
import type { EmbedCall } from "./messages.ts";
import { type EncoderDtype, writeHubEncoder } from "./testing/hub-encoder.ts";
import type { Pooling } from "./types.ts";

/** A BERT with random weights and attention, so that a neighbour in a run would show in a vector. */
const shape = { layers: 2, hidden: 32, heads: 4, inner: 64, vocabulary: 6000, positions: 64 };
const seed = Date.now() % 2 ** 31;
const generator = xoroshiro128plus(seed);
const random = (below: number) => uniformInt(generator, 0, below - 1);

const texts = Array.from({ length: 60 }, () =>
  Array.from({ length: random(40) }, () => frequentWords[random(200)]).join(" "),
);
/** What each kind of text begins with, as the record says. */
const prefixes = { query: "find the ", passage: "" };
let home: string;

/** Encoders as the hub has them. */
interface Layout {
  like: "bert" | "xlm-roberta";
  dtype: EncoderDtype;
}
const bert = { like: "bert", dtype: "fp32" } as const;
const nameOf = ({ like, dtype }: Layout) => `${like}-${dtype}`;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "genq-equality-"));
  for (const layout of [bert, { ...bert, dtype: "fp16" }, { ...bert, like: "xlm-roberta" }] as const)
    await writeHubEncoder(join(home, nameOf(layout)), shape, { ...layout, scores: false });
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${home}/`;
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What transformers.js gives for each text by itself. */
async function pipelineVectors(
  asked: readonly string[],
  pooling: Pooling,
  layout: Layout = bert,
): Promise<number[][]> {
  const { dtype } = layout;
  const embed = await pipeline("feature-extraction", nameOf(layout), { dtype, device: "cpu" });
  const vectors: number[][] = [];
  for (const text of asked) {
    const { data } = await embed(text, { pooling, normalize: true });
    vectors.push([...data]);
  }
  await embed.dispose();
  return vectors;
}

function openHost(pooling: Pooling, tokensPerRun: number, bulkProcesses: number, layout: Layout = bert) {
  const record = {
    id: "test/bert",
    task: "embedding",
    revision: "main",
    dtype: layout.dtype,
    source: "hub",
    dimensions: 32,
    normalize: true,
    queryPrefix: prefixes.query,
    passagePrefix: prefixes.passage,
    maxTokens: 64,
    description: "",
  } as const;
  return createEmbeddingHost({
    definition: { record: { ...record, pooling } },
    limits: withDefaultLimits({ tokensPerRun, bulkProcesses, maxRssBytes: 1024 ** 3 }),
    running: { interactive: 16, bulk: 2 },
    fetchFiles: () => Promise.resolve(join(home, nameOf(layout))),
    onStatus: () => {},
  });
}

const distance = (wanted: readonly number[], got: Float32Array | undefined) =>
  Math.hypot(...wanted.map((value, i) => value - (got?.[i] ?? 9)));

/** All texts, in any order, in requests of any size and priority. */
function anyRequests(): { indexes: number[]; priority: "interactive" | "bulk" }[] {
  const left = texts.map((_, index) => index);
  const requests = [];
  while (left.length > 0) {
    const indexes = Array.from({ length: Math.min(left.length, 1 + random(20)) }, () =>
      left.splice(random(left.length), 1),
    ).flat();
    requests.push({ indexes, priority: random(3) === 0 ? ("interactive" as const) : ("bulk" as const) });
  }
  return requests;
}

describe("whatever the batching, vectors are those of transformers.js' own pipeline", () => {
  test.each([
    ["mean", "passage", 1, 0, "bert", "fp32", 1e-4],
    ["mean", "query", 2000, 0, "bert", "fp32", 1e-4],
    ["cls", "passage", 200, 2, "bert", "fp32", 1e-4],
    ["last_token", "query", 200, 0, "bert", "fp32", 1e-4],
    // As multilingual-e5: SentencePiece, and places counted by what is no padding.
    ["mean", "query", 200, 0, "xlm-roberta", "fp32", 1e-4],
    ["cls", "passage", 200, 0, "bert", "fp16", 5e-3],
  ] as const)(
    "%s pooling of a %s, %i tokens in a run, %i bulk processes, %s in %s",
    async (pooling, kind, tokensPerRun, processes, like, dtype, tolerance) => {
      const expected = await pipelineVectors(
        texts.map((text) => prefixes[kind] + text),
        pooling,
        { like, dtype },
      );
      const host = openHost(pooling, tokensPerRun, processes, { like, dtype });
      try {
        for (let round = 0; round < 3; round++) {
          await Promise.all(
            anyRequests().map(async ({ indexes, priority }) => {
              const asked = indexes.map((index) => texts[index] ?? "");
              const { vectors } = await host.call(
                { type: "embed", texts: asked, kind, priority },
                { priority },
              );
              indexes.forEach((index, place) => {
                const off = distance(expected[index] ?? [], vectors[place]);
                expect(off, `seed ${seed}, text ${index}`).toBeLessThan(tolerance);
              });
            }),
          );
        }
      } finally {
        await host.close();
      }
    },
  );
});

test.each(["mean", "last_token"] as const)(
  "with %s pooling a text that is too long has the vector of what fits, and a cut vector has length 1",
  async (pooling) => {
    // Each letter is a token; two more are around them.
    const letters = (count: number) => Array.from({ length: count }, (_, i) => "abcdefgh"[i % 8]).join(" ");
    const [whole = []] = await pipelineVectors([letters(62)], pooling);
    const length = Math.hypot(...whole.slice(0, 8));
    const host = openHost(pooling, 512, 0);
    const embed = (dimensions?: number) => {
      const call: EmbedCall = {
        type: "embed",
        texts: [letters(100)],
        kind: "passage",
        priority: "bulk",
        dimensions,
      };
      return host.call(call, { priority: "bulk" });
    };
    try {
      const { vectors, ...told } = await embed();
      expect(told).toEqual({ tokens: [64], truncatedTokens: [38] });
      expect(distance(whole, vectors[0])).toBeLessThan(1e-4);
      const cut = await embed(8);
      expect(cut.vectors[0]).toHaveLength(8);
      const wanted = whole.slice(0, 8).map((value) => value / length);
      expect(distance(wanted, cut.vectors[0])).toBeLessThan(1e-4);
    } finally {
      await host.close();
    }
  },
);
