import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { withDefaultLimits } from "../src/limits.ts";
import { createMemoryBudget } from "../src/memory-budget.ts";
import { estimateRss } from "../src/memory-limit.ts";
import { createModelPool, type ModelPool } from "../src/model-pool.ts";
import type { ModelRecord } from "../src/types.ts";
import type { BenchContext } from "./embedding.ts";
import { figure } from "./figures.ts";
import { benchModel } from "./models/make-models.ts";
import { embeddingRecord, embedTexts, generationRecord } from "./subject.ts";
import { mixedLengths, randomTexts } from "./texts.ts";

/** In each part the other one of two generation models is loaded, for which the first makes room: five cycles. */
const parts = 10;
const mebibyte = 1024 ** 2;

setFlagsFromString("--expose-gc");
// The flag makes it.
const collectGarbage = runInNewContext("gc") as () => void;

/** Resident memory over mixed requests and models that come and go: in this process, and in theirs. */
export async function benchMemory({ requests, say, tell }: BenchContext): Promise<void> {
  const folders = { bert: await benchModel("bge-small", say), llama: await benchModel("smollm2", say) };
  say(`Memory over ${requests} requests`);
  const embedding = embeddingRecord("fp32");
  const generations = ["bench/smollm2", "bench/smollm2-again"].map((id) => ({ ...generationRecord, id }));
  const records: ModelRecord[] = [embedding, ...generations];
  const folderOf = ({ task }: ModelRecord) => (task === "embedding" ? folders.bert : folders.llama);
  const find = (id: string) => ({ record: records.find((record) => record.id === id) ?? embedding });
  const estimates = await Promise.all(
    [embedding, generationRecord].map((record) => estimateRss(record, folderOf(record))),
  );
  const pool = createModelPool({
    find,
    pinned: [find(embedding.id)],
    limits: withDefaultLimits({ bulkProcesses: 0 }),
    // Enough for the embedding model and one of the others.
    memory: createMemoryBudget(estimates.reduce((sum, bytes) => sum + bytes, 150 * mebibyte)),
    fetchFiles: ({ record }) => Promise.resolve(folderOf(record)),
    onStatus: () => {},
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => pool.close());

  const { texts } = randomTexts(folders.bert, mixedLengths(1000, 30_000), 5);
  const sizes: { ours: number; theirs: number; loaded: number }[] = [];
  for (let part = 0; part < parts; part++) {
    const generator = generations[part % 2]?.id ?? "";
    await askMixed(pool, { embedder: embedding.id, generator }, texts, requests / parts);
    const size = await measure(pool);
    sizes.push(size);
    say(
      `after ${Math.round(((part + 1) * requests) / parts)}: ${size.ours} MiB here, ${size.theirs} MiB in ${size.loaded} models`,
    );
  }
  const tellSlope = (side: "ours" | "theirs", name: string) => {
    const values = sizes.map((size) => size[side]);
    const slope = { median: (slopeOf(values) * 1000) / (requests / parts), spread: 0 };
    const first = { median: values[0] ?? 0, spread: 0, name: "MiB after the first tenth" };
    tell(
      figure(`memory of ${name}, growth in 1,000 requests`, "MiB", slope, first, { of: "value", atMost: 1 }),
    );
  };
  tellSlope("ours", "the parent");
  tellSlope("theirs", "the models' processes");
}

/** Of fifty requests one generates, one counts, three embed sixteen texts, and the others one: eight at a time. */
async function askMixed(
  pool: ModelPool,
  { embedder, generator }: { embedder: string; generator: string },
  texts: readonly string[],
  requests: number,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < requests) {
      const n = next++;
      const text = texts[n % texts.length] ?? "";
      if (n % 50 === 0) {
        const messages = [{ role: "user", content: text } as const];
        const call = { type: "generate", messages, maxNewTokens: 8, temperature: 0 } as const;
        await pool.host(generator).call(call, { priority: "bulk" });
      } else if (n % 50 === 1)
        await pool.host(generator).call({ type: "count", texts: [text] }, { priority: "interactive" });
      else if (n % 50 < 5) await embedTexts(pool.host(embedder), texts.slice(n % 900, (n % 900) + 16));
      else await embedTexts(pool.host(embedder), [text], "interactive");
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** In MiB, at rest. */
async function measure(pool: ModelPool): Promise<{ ours: number; theirs: number; loaded: number }> {
  // Two beats of each process.
  await sleep(600);
  collectGarbage();
  await sleep(100);
  collectGarbage();
  const loaded = pool.statuses().flatMap(({ residentBytes }) => residentBytes ?? []);
  return {
    ours: Math.round(process.memoryUsage.rss() / mebibyte),
    theirs: Math.round(loaded.reduce((sum, bytes) => sum + bytes, 0) / mebibyte),
    loaded: loaded.length,
  };
}

/** By least squares, in each step. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const products = values.map((value, index) => (index - middle) * (value - mean));
  const squares = values.map((_, index) => (index - middle) ** 2);
  return products.reduce((sum, it) => sum + it, 0) / squares.reduce((sum, it) => sum + it, 0);
}
