import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { similarity } from "../src/testing/similarity.ts";
import { type Figure, figure, inTurns, type Median, medianOf, millisecondsOf, perSecond } from "./figures.ts";
import { benchModel } from "./models/make-models.ts";
import { startProgram } from "./program.ts";
import type { PipelineOptions, PipelineRequest } from "./programs/pipeline-main.ts";
import type { RawOptions, RawRequest } from "./programs/raw-main.ts";
import { cores, embeddingHost, embedTexts } from "./subject.ts";
import { mixedLengths, planRuns, randomTexts, type Texts } from "./texts.ts";

export interface BenchContext {
  rounds: number;
  /** How many short queries make one measurement. */
  queries: number;
  /** How many requests the memory is watched over. */
  requests: number;
  /** What is going on, for a person. */
  say(line: string): void;
  /** A figure is there. */
  tell(figure: Figure): void;
}

function startRaw(folder: string, threads: number, { background }: { background: boolean }) {
  const options: RawOptions = { file: join(folder, "onnx/model.onnx"), threads };
  const main = new URL("./programs/raw-main.ts", import.meta.url);
  return startProgram<RawRequest, number[]>(main, options, { background });
}

function startPipeline(folder: string) {
  const options: PipelineOptions = { folder, dtype: "fp32" };
  const main = new URL("./programs/pipeline-main.ts", import.meta.url);
  return startProgram<PipelineRequest, number[][]>(main, options, { background: true });
}

/** Bulk work: tokens per second beside the raw runtime, transformers.js, and our own int8. */
export async function benchEmbedding({ rounds, queries, say, tell }: BenchContext): Promise<void> {
  const folder = await benchModel("bge-small", say);
  await using stack = new AsyncDisposableStack();
  const raws = await Promise.all(
    Array.from({ length: cores }, async () => stack.use(await startRaw(folder, 1, { background: true }))),
  );
  const pipeline = stack.use(await startPipeline(folder));
  const ours = embeddingHost(folder, "fp32");
  stack.defer(() => ours.close());
  const quantized = embeddingHost(folder, "q8");
  stack.defer(() => quantized.close());

  const workloads = [
    { name: "64 mixed texts", lengths: mixedLengths(64, 6300) },
    { name: `${queries} short queries`, lengths: new Array<number>(queries).fill(16) },
  ];
  for (const { name, lengths } of workloads) {
    say(`Embedding ${name}`);
    const { texts, ids } = randomTexts(folder, lengths, 1);
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const shares = shareOut(planRuns(ids, 512, 1.1), cores);
    const times = await inTurns(
      {
        ours: () => millisecondsOf(() => embedTexts(ours, texts)),
        raw: () =>
          millisecondsOf(() => Promise.all(raws.map((program, index) => program.ask(shares[index] ?? [])))),
        quantized: () => millisecondsOf(() => embedTexts(quantized, texts)),
        single: () => millisecondsOf(() => pipeline.ask({ texts, batch: 1 })),
        batched: () => millisecondsOf(() => pipeline.ask({ texts, batch: 32 })),
      },
      rounds,
    );
    const rate = (side: keyof typeof times, label: string) => ({
      ...perSecond(tokens, times[side]),
      name: label,
    });
    const our = rate("ours", "fp32");
    const beside = (peer: Median & { name: string }, atLeast: number) =>
      tell(figure(`embedding, ${name}, fp32`, "tokens/s", our, peer, { of: "ratio", atLeast }));
    beside(rate("raw", `onnxruntime-node, ${cores} processes of 1 thread`), 0.95);
    beside(rate("single", "transformers.js, one at a time"), 1.3);
    beside(rate("batched", "transformers.js, batches of 32"), 4);
    const peer = rate("ours", "our fp32");
    const goal = { of: "ratio", atLeast: 1.5 } as const;
    tell(figure(`embedding, ${name}, int8`, "tokens/s", rate("quantized", "int8"), peer, goal));
  }

  const { texts } = randomTexts(folder, mixedLengths(64, 6300), 1);
  const [floats, bytes] = [await embedTexts(ours, texts), await embedTexts(quantized, texts)];
  const cosines = floats.vectors.map((vector, index) => similarity(vector, bytes.vectors[index]));
  const same = { median: 1, spread: 0, name: "our fp32" };
  tell(figure("cosine of int8 to fp32, 64 mixed texts", "", medianOf(cosines), same));
}

/** Splits runs among programs so that all end at about the same time. */
function shareOut(runs: number[][][], programs: number): number[][][][] {
  const shares = Array.from({ length: programs }, () => ({ runs: [] as number[][][], tokens: 0 }));
  const tokensOf = (run: number[][]) => run.length * (run.at(-1)?.length ?? 0);
  for (const run of runs.toSorted((a, b) => tokensOf(b) - tokensOf(a))) {
    const least = shares.reduce((best, share) => (share.tokens < best.tokens ? share : best));
    least.runs.push(run);
    least.tokens += tokensOf(run);
  }
  return shares.map((share) => share.runs);
}

/** What a request of one short text takes beside the model's run in it. */
export async function benchOverhead({ rounds, say, tell }: BenchContext): Promise<void> {
  const folder = await benchModel("bge-small", say);
  say("Overhead of one request");
  await using stack = new AsyncDisposableStack();
  const raw = stack.use(await startRaw(folder, cores, { background: false }));
  const ours = embeddingHost(folder, "fp32");
  stack.defer(() => ours.close());
  const { texts, ids } = randomTexts(folder, new Array<number>(100).fill(16), 2);
  const times = await inTurns(
    {
      ours: async () => {
        const each: number[] = [];
        for (const text of texts)
          each.push(await millisecondsOf(() => embedTexts(ours, [text], "interactive")));
        return medianOf(each).median;
      },
      raw: async () => medianOf(await raw.ask(ids.map((row) => [row]))).median,
    },
    rounds,
  );
  const over = { median: times.ours.median - times.raw.median, spread: times.ours.spread };
  const peer = { ...times.raw, name: `session.run, ${cores} threads` };
  tell(figure("embedding request of 16 tokens, over the run", "ms", over, peer, { of: "value", atMost: 1 }));
}

/** Interactive queries, 20 a second, alone and while a file of 5,000 chunks is embedded. */
export async function benchInteractive({ rounds, say, tell }: BenchContext): Promise<void> {
  const folder = await benchModel("bge-small", say);
  say("Interactive queries during bulk work");
  const ours = embeddingHost(folder, "fp32");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => ours.close());
  const queries = randomTexts(folder, new Array<number>(100).fill(16), 3);
  const file = randomTexts(folder, mixedLengths(5000, 500_000), 4);
  const times = await inTurns(
    {
      alone: () => askSteadily(ours, queries),
      during: async () => {
        const stop = new AbortController();
        const bulk = embedFile(ours, file, stop.signal);
        const p99 = await askSteadily(ours, queries);
        stop.abort();
        await bulk;
        return p99;
      },
    },
    rounds,
  );
  const peer = { ...times.alone, name: "the same without bulk work" };
  const goal = { of: "ratio", atMost: 3 } as const;
  tell(figure("interactive query of 16 tokens during bulk work, p99", "ms", times.during, peer, goal));
}

/** The p99 of queries that come every 50 ms, whether or not those before are answered. */
async function askSteadily(host: ReturnType<typeof embeddingHost>, { texts }: Texts): Promise<number> {
  const times = await Promise.all(
    texts.map(async (text, index) => {
      await sleep(index * 50);
      return await millisecondsOf(() => embedTexts(host, [text], "interactive"));
    }),
  );
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;
}

/** As the worker does it: requests of 64 chunks, two at a time. */
async function embedFile(
  host: ReturnType<typeof embeddingHost>,
  { texts }: Texts,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (!signal.aborted && next < texts.length) {
      next += 64;
      await embedTexts(host, texts.slice(next - 64, next));
    }
  };
  await Promise.all([lane(), lane()]);
}
