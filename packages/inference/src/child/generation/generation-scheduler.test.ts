import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type TinyDecoderShape, tinyDecoder, tinyVocabulary } from "../../testing/tiny-decoder.ts";
import { noProgress } from "../yield-to-events.ts";
import { type DecoderGraph, openDecoderGraph } from "./decoder-graph.ts";
import { createGenerationScheduler } from "./generation-scheduler.ts";
import type { KvLane } from "./kv-lane.ts";
import { openDecoder } from "./open-decoder.ts";
import { createPrefixCache } from "./prefix-cache.ts";

interface TextPlan {
  /** The text that is made whatever the logits, and how much of it is the prompt. */
  ids: number[];
  promptLength: number;
  partition?: string | undefined;
  sharedTokens?: number | undefined;
  /** Aborts when so many tokens of the answer were made. */
  abortAfter?: number | undefined;
}

/** A decoder with all that is around it, and what goes through it. */
async function setUp(shape: TinyDecoderShape, { rows = 4, cacheBytes = 1e9, prefixBytes = 0 } = {}) {
  const graph = openDecoderGraph(await tinyDecoder(shape));
  const seen = { tokens: 0, mostTexts: 0 };
  const counting: DecoderGraph = {
    ...graph,
    run(step, quiet) {
      seen.tokens += step.ids.flat().length;
      seen.mostTexts = Math.max(seen.mostTexts, step.ids.length);
      return graph.run(step, quiet);
    },
  };
  const decoder = await openDecoder(counting, "fp32", "cpu");
  const lanes: KvLane[] = [];
  const newLane = () => {
    const lane = decoder.newLane();
    lanes.push(lane);
    return lane;
  };
  const limits = { rows: decoder.batches ? rows : 1, cacheBytes, chunkTokens: 16 };
  const prefixes = createPrefixCache(prefixBytes, decoder.bytesPerToken);
  const scheduler = createGenerationScheduler({ ...decoder, newLane }, prefixes, limits, noProgress());
  const [together] = lanes;
  Object.assign(seen, { tokens: 0, mostTexts: 0 });

  /** The logits before each token of the answer. */
  async function logitsOf(plan: TextPlan): Promise<Float32Array[]> {
    const controller = new AbortController();
    const logits: Float32Array[] = [];
    if (plan.abortAfter === 0) controller.abort(new Error("gone"));
    const done = scheduler.run({
      promptIds: plan.ids.slice(0, plan.promptLength),
      maxTokens: plan.ids.length,
      partition: plan.partition,
      sharedTokens: plan.sharedTokens ?? 0,
      signal: controller.signal,
      pick(own) {
        logits.push(own.slice());
        if (logits.length === plan.abortAfter) controller.abort(new Error("gone"));
        return plan.ids[plan.promptLength + logits.length - 1];
      },
    });
    const aborts = plan.abortAfter !== undefined && plan.abortAfter <= plan.ids.length - plan.promptLength;
    if (aborts) await expect(done).rejects.toThrow("gone");
    else await done;
    return logits;
  }

  const run = (pick: () => number | undefined) =>
    scheduler.run({
      promptIds: [1, 2, 3],
      maxTokens: 20,
      partition: undefined,
      sharedTokens: 0,
      signal: new AbortController().signal,
      pick,
    });

  return { decoder, seen, together, logitsOf, run };
}

function largestDifference(one: readonly Float32Array[], other: readonly Float32Array[]): number {
  const steps = one.map((logits, step) => {
    return logits.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (other[step]?.[i] ?? Infinity))),
      0,
    );
  });
  return Math.max(0, ...steps);
}

const textOf = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => ((i + 1) * (seed + 3) * 7919 + i * i) % tinyVocabulary);
const planOf = (promptLength: number, answer: number, seed: number): TextPlan => ({
  ids: textOf(promptLength + answer, seed),
  promptLength,
});

const shapes: (TinyDecoderShape & { tolerance: number })[] = [
  { attention: "grouped", cache: "float", places: "given", tolerance: 1e-4 },
  { attention: "grouped", cache: "float16", places: "given", tolerance: 0.05 },
  { attention: "plain", cache: "float", places: "given", tolerance: 1e-4 },
  { attention: "plain", cache: "float16", places: "given", tolerance: 0.05 },
  { attention: "plain", cache: "float", places: "counted", tolerance: 1e-4 },
];

describe.each(shapes)("$attention attention, $cache cache, places $places", ({ tolerance, ...shape }) => {
  test("a text is the same alone and among others that come and go", async () => {
    const alone = await setUp(shape, { rows: 1 });
    const texts = fc.array(
      fc.record({
        promptLength: fc.integer({ min: 1, max: 70 }),
        answer: fc.integer({ min: 0, max: 40 }),
        seed: fc.integer({ min: 0, max: 50 }),
        comesAfterMs: fc.integer({ min: 0, max: 8 }),
        abortAfter: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 3 }),
      }),
      { minLength: 1, maxLength: 9 },
    );
    const { logitsOf, together } = await setUp(shape);
    await fc.assert(
      fc.asyncProperty(texts, async (all) => {
        const found = await Promise.all(
          all.map(async ({ promptLength, answer, seed, comesAfterMs, abortAfter }) => {
            await new Promise((resolve) => setTimeout(resolve, comesAfterMs));
            return await logitsOf({ ...planOf(promptLength, answer, seed), abortAfter });
          }),
        );
        for (const [index, { promptLength, answer, seed }] of all.entries()) {
          const logits = found[index] ?? [];
          const wanted = await alone.logitsOf(planOf(promptLength, answer, seed));
          expect(largestDifference(logits, wanted)).toBeLessThan(tolerance);
        }
        // Nothing is left of any, however it ended.
        expect(together?.lengths).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  test("as many texts run at once as the graph and the limit allow", async () => {
    const { logitsOf, seen, decoder } = await setUp(shape);
    await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => logitsOf(planOf(5, 20, seed))));
    expect(decoder.batches).toBe(shape.places === "given");
    expect(seen.mostTexts).toBe(decoder.batches ? 4 : 1);
  });

  test("a prompt that begins like an earlier text of its partition computes only what is new", async () => {
    const { logitsOf, seen } = await setUp(shape, { prefixBytes: 1e6 });
    const first = { ...planOf(100, 30, 1), partition: "one" };
    await logitsOf(first);
    const second = { ids: [...first.ids, ...textOf(30, 2)], promptLength: 140, partition: "one" };
    seen.tokens = 0;
    const logits = await logitsOf(second);
    // Of 130 tokens 128 were kept: four pieces of 32. The last token of the text is never run.
    expect(seen.tokens).toBe(second.ids.length - 128);
    const { logitsOf: withoutCache } = await setUp(shape);
    expect(largestDifference(logits, await withoutCache(second))).toBeLessThan(tolerance);
  });
});

const grouped = { attention: "grouped", cache: "float", places: "given" } as const;

describe("the prefix cache", () => {
  test("gives a text's beginning to nobody else, and keeps none of a text without a partition", async () => {
    const { logitsOf, seen } = await setUp(grouped, { prefixBytes: 1e6 });
    const plan = planOf(100, 0, 1);
    const computed = async (partition: string | undefined) => {
      seen.tokens = 0;
      await logitsOf({ ...plan, partition });
      return seen.tokens;
    };
    expect(await computed(undefined)).toBe(100);
    expect(await computed("one")).toBe(100);
    expect(await computed("two")).toBe(100);
    expect(await computed(undefined)).toBe(100);
    expect(await computed("one")).toBe(4);
    expect(await computed("two")).toBe(4);
  });

  test("shares what is the operator's, and not a token more", async () => {
    const { logitsOf, seen } = await setUp(grouped, { prefixBytes: 1e6 });
    const plan = { ...planOf(100, 0, 1), sharedTokens: 70 };
    await logitsOf({ ...plan, partition: "one" });
    for (const partition of ["two", undefined]) {
      seen.tokens = 0;
      await logitsOf({ ...plan, partition });
      expect(seen.tokens).toBe(100 - 64);
    }
  });

  test("tells pieces apart by what came before them", async () => {
    const { logitsOf, seen } = await setUp(grouped, { prefixBytes: 1e6 });
    const [one, other] = [textOf(32, 1), textOf(32, 2)];
    const plan = { ids: [...one, ...other, 5], promptLength: 65, partition: "one" };
    await logitsOf({ ids: [...other, ...other, 5], promptLength: 65, partition: "one" });
    await logitsOf({ ids: [...one, 5], promptLength: 33, partition: "one" });
    seen.tokens = 0;
    const logits = await logitsOf(plan);
    expect(seen.tokens).toBe(65 - 32);
    const { logitsOf: withoutCache } = await setUp(grouped);
    expect(largestDifference(logits, await withoutCache(plan))).toBeLessThan(1e-4);
  });

  test("forgets what was not used for longest", async () => {
    const bytes = 2 * 2 * 2 * 8 * 4 * 32 * 6;
    const { logitsOf, seen } = await setUp(grouped, { prefixBytes: bytes });
    const computed = async (seed: number) => {
      seen.tokens = 0;
      await logitsOf({ ...planOf(100, 0, seed), partition: "one" });
      return seen.tokens;
    };
    // There is room for two texts of three pieces.
    expect([await computed(1), await computed(2), await computed(1), await computed(3)]).toEqual([
      100, 100, 4, 100,
    ]);
    expect([await computed(1), await computed(2)]).toEqual([4, 100]);
  });
});

test("a long prompt lets the others go on between its pieces", async () => {
  const { logitsOf } = await setUp(grouped);
  const order: string[] = [];
  const short = logitsOf(planOf(1, 8, 1)).then(() => order.push("short"));
  const long = logitsOf(planOf(400, 1, 2)).then(() => order.push("long"));
  await Promise.all([short, long]);
  expect(order).toEqual(["short", "long"]);
});

test("texts whose keys and values would not fit beside the others wait", async () => {
  const bytesOfText = 2 * 2 * 2 * 8 * 4 * 40 * 3;
  const { logitsOf, seen } = await setUp(grouped, { cacheBytes: 2 * bytesOfText });
  await Promise.all([1, 2, 3, 4].map((seed) => logitsOf(planOf(20, 20, seed))));
  expect(seen.mostTexts).toBe(2);
});

test("a text whose pick fails ends alone", async () => {
  const { together, run } = await setUp(grouped);
  let picks = 0;
  const good = run(() => (++picks < 10 ? 1 : undefined));
  let bad = 0;
  const failing = run(() => {
    if (++bad === 4) throw new Error("no such token");
    return 2;
  });
  await expect(failing).rejects.toThrow("no such token");
  await good;
  expect(picks).toBe(10);
  expect(together?.lengths).toEqual([]);
});

test("other work goes on between the picks of one step, however long they take", async () => {
  const { run } = await setUp(grouped);
  const order: string[] = [];
  const slow = () => {
    for (const end = performance.now() + 30; performance.now() < end; );
    setImmediate(() => order.push("other work"));
    return order.push("pick") < 24 ? 1 : undefined;
  };
  await Promise.all([run(slow), run(slow), run(slow)]);
  expect(order.filter((what, index) => what === "pick" && order[index - 1] === "pick")).toEqual([]);
});

test("a dtype that quantizes by the whole run is not batched, nor its prompts split", async () => {
  const graph = openDecoderGraph(await tinyDecoder(grouped));
  expect(await openDecoder(graph, "q8", "cpu")).toMatchObject({ batches: false, splits: false });
  expect(await openDecoder(graph, "fp32", "cpu")).toMatchObject({ batches: true, splits: true });
});

test("prompts go to the graph for prompts, single tokens to the other", async () => {
  const graph = openDecoderGraph(await tinyDecoder(grouped));
  const seen = { steps: [] as number[], prompts: [] as number[] };
  const watch = (lengths: number[]): DecoderGraph => ({
    ...graph,
    run(step, quiet) {
      lengths.push(step.ids[0]?.length ?? 0);
      return graph.run(step, quiet);
    },
  });
  const decoder = await openDecoder(watch(seen.steps), "fp32", "cpu", watch(seen.prompts));
  seen.steps.length = 0;
  const limits = { rows: 4, cacheBytes: 1e9, chunkTokens: 8 };
  const scheduler = createGenerationScheduler(decoder, createPrefixCache(0, 1), limits, noProgress());
  let picked = 0;
  await scheduler.run({
    promptIds: Array.from({ length: 17 }, (_, i) => i),
    maxTokens: 20,
    partition: undefined,
    sharedTokens: 0,
    signal: new AbortController().signal,
    pick: () => (picked++ < 3 ? 1 : undefined),
  });
  expect(seen).toEqual({ prompts: [16, 1], steps: [1, 1, 1] });
});
