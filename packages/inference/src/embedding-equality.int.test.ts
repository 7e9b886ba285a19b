import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBert } from "../bench/models/make-models.ts";
import { frequentWords } from "../bench/models/tokenizers.ts";
import { createEmbeddingHost } from "./embedding-host.ts";
import { withDefaultLimits } from "./limits.ts";
import type { Pooling } from "./types.ts";

/** A BERT with random weights and attention, so that a neighbour in a run would show in a vector. */
const shape = { layers: 2, hidden: 32, heads: 4, inner: 64, vocabulary: 6000, positions: 64 };
const seed = Date.now() % 2 ** 31;
const generator = xoroshiro128plus(seed);
const random = (below: number) => uniformInt(generator, 0, below - 1);

const texts = Array.from({ length: 60 }, () =>
  Array.from({ length: random(40) }, () => frequentWords[random(frequentWords.length)]).join(" "),
);
const expected: Record<"mean" | "cls", number[][]> = { mean: [], cls: [] };
let folder: string;

beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "genq-equality-")), "bert");
  await writeBert(folder, shape);
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${dirname(folder)}/`;
  const embed = await pipeline("feature-extraction", basename(folder), { dtype: "fp32", device: "cpu" });
  for (const pooling of ["mean", "cls"] as const) {
    for (const text of texts) {
      const { data } = await embed(text, { pooling, normalize: true });
      expected[pooling].push([...data]);
    }
  }
  await embed.dispose();
});
afterAll(() => rm(dirname(folder), { recursive: true, force: true }));

function openHost(pooling: Pooling, tokensPerRun: number, bulkProcesses: number) {
  const record = {
    id: "test/bert",
    task: "embedding",
    revision: "main",
    dtype: "fp32",
    source: "hub",
  } as const;
  return createEmbeddingHost({
    definition: {
      record: { ...record, dimensions: 32, pooling, normalize: true, maxTokens: 64, description: "" },
    },
    limits: withDefaultLimits({ tokensPerRun, bulkProcesses, maxRssBytes: 1024 ** 3 }),
    running: { interactive: 16, bulk: 2 },
    fetchFiles: () => Promise.resolve(folder),
    onStatus: () => {},
  });
}

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
    ["mean", 1, 0],
    ["mean", 2000, 0],
    ["cls", 200, 2],
  ] as const)(
    "%s pooling, %i tokens in a run, %i bulk processes",
    async (pooling, tokensPerRun, processes) => {
      const host = openHost(pooling, tokensPerRun, processes);
      try {
        for (let round = 0; round < 3; round++) {
          await Promise.all(
            anyRequests().map(async ({ indexes, priority }) => {
              const asked = indexes.map((index) => texts[index] ?? "");
              const call = { type: "embed", texts: asked, kind: "passage", priority } as const;
              const { vectors } = await host.call(call, { priority });
              indexes.forEach((index, place) => {
                const wanted = expected[pooling][index] ?? [];
                const distance = Math.hypot(...wanted.map((value, i) => value - (vectors[place]?.[i] ?? 9)));
                expect(distance, `seed ${seed}, text ${index}`).toBeLessThan(1e-4);
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
