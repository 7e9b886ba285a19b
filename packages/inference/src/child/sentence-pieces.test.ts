import { PreTrainedTokenizer } from "@huggingface/transformers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { GenerateCall } from "../messages.ts";
import { bytePairFiles, unigramFiles } from "../testing/sentence-pieces.ts";
import { createAnswer } from "./answer.ts";
import { createTextEncoder } from "./encode-text.ts";
import { createStructuredOutput } from "./structured-output/structured-output.ts";
import { noProgress } from "./yield-to-events.ts";

const endIds = new Set([2]);

/** All that a model with such a tokenizer has between texts and tokens. */
function setUp({ tokenizer: files, config, tokens }: ReturnType<typeof bytePairFiles | typeof unigramFiles>) {
  const tokenizer = new PreTrainedTokenizer(files, config);
  const progress = noProgress();
  const encoder = createTextEncoder(tokenizer, progress);
  const structuredOutput = createStructuredOutput(tokenizer, endIds, progress);

  /** What a model answers that gives these logits. */
  async function answer(logitsAt: (step: number) => Float32Array, settings: Partial<GenerateCall>) {
    const call: GenerateCall = {
      type: "generate",
      messages: [],
      maxNewTokens: 400,
      temperature: 0,
      ...settings,
    };
    const deltas: string[] = [];
    const onText = (delta: string) => deltas.push(delta);
    const context = { tokenizer, endIds, structuredOutput };
    const made = await createAnswer(context, call, { promptIds: [1], room: call.maxNewTokens, onText });
    let steps = 0;
    while (made.pick(logitsAt(steps)) !== undefined) steps += 1;
    return { ...made.end(), deltas, steps };
  }

  /** What a model answers that says just this. */
  function say(ids: readonly number[], settings: Partial<GenerateCall> = {}) {
    const logitsAt = (step: number) => {
      const logits = new Float32Array(tokens.length);
      logits[ids[step] ?? 2] = 10;
      return logits;
    };
    return answer(logitsAt, settings);
  }

  const decode = (ids: number[]) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false });
  return { tokenizer, tokens, encoder, progress, answer, say, decode };
}

const bytePairs = (["llama", "mistral", "gemma"] as const).map((kind) => ({
  kind,
  ...setUp(bytePairFiles(kind)),
}));
const unigrams = (["xlm-roberta", "deberta-v2"] as const).map((kind) => ({
  kind,
  ...setUp(unigramFiles(kind)),
}));

/** 漢字 and all emoji are bytes to these tokenizers. */
const words = [
  "the",
  "time",
  "日本",
  "漢字",
  "😀",
  "👩‍👩‍👧",
  "é",
  ",",
  "x",
  "\n",
  "<0x0A>",
  "</s>",
  "<|im_end|>",
];
const anyText = fc
  .array(fc.record({ word: fc.constantFrom(...words), spaces: fc.constantFrom("", " ", "  ") }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((parts) => parts.map(({ word, spaces }) => word + spaces).join(""));

describe.each(bytePairs)("byte pairs as $kind", ({ encoder, say, tokenizer, tokens, answer, decode }) => {
  test("control tokens that a text spells are its text, and no space comes with them", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const ids = await encoder.encode(text);
        expect(ids.filter((id) => id <= 2 || id >= tokens.indexOf("<|im_start|>"))).toEqual([]);
        expect(decode(ids)).toBe(text);
      }),
    );
  });

  test("a text of control tokens takes no longer than its length", async () => {
    const before = process.threadCpuUsage();
    const ids = await encoder.encode("</s>".repeat(100_000));
    expect(process.threadCpuUsage(before).user).toBeLessThan(8_000_000);
    expect(decode(ids.slice(0, 401)).startsWith("</s>".repeat(99))).toBe(true);
  });

  test("a long text has the tokens that transformers.js gives it", async () => {
    const text = "the time of 漢字 is now, and the people said so. ".repeat(900);
    expect(await encoder.encode(text)).toEqual(tokenizer.encode(text, { add_special_tokens: false }));
  });

  test("deltas are whole characters, and no space is lost or doubled between them", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (said) => {
        const { text, deltas, finishReason } = await say(await encoder.encode(said));
        expect(text).toBe(said);
        expect(deltas.join("")).toBe(said);
        for (const delta of deltas) expect(delta.isWellFormed() && !delta.includes("\uFFFD")).toBe(true);
        expect(finishReason).toBe("stop");
      }),
    );
  });

  test("a stop string ends the text wherever in the tokens it begins, and no part of it shows", async () => {
    const place = fc.record({ from: fc.nat(), length: fc.integer({ min: 1, max: 12 }) });
    await fc.assert(
      fc.asyncProperty(anyText, place, async (said, { from, length }) => {
        const characters = [...said];
        const start = from % characters.length;
        const stop = characters.slice(start, start + length).join("");
        const { text, deltas } = await say(await encoder.encode(said), { stop: [stop] });
        expect(text).toBe(said.slice(0, said.indexOf(stop)));
        expect(deltas.join("")).toBe(text);
      }),
    );
  });

  test("answers by a schema are valid, whatever the model favours", async () => {
    const schema = z.object({ name: z.string(), tags: z.array(z.enum(["日本", "a b", " lead"])).max(3) });
    const responseFormat = { type: "json_schema", schema: z.toJSONSchema(schema) } as const;
    for (let seed = 1; seed <= 12; seed += 1) {
      let state = seed;
      const logits = new Float32Array(tokens.length);
      const random = () =>
        logits.map(() => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return (state / 2 ** 32) * 8;
        });
      const settings = { responseFormat, maxNewTokens: 80, temperature: 1, seed };
      const { text, deltas } = await answer(random, settings);
      expect(schema.safeParse(JSON.parse(text)), text).toMatchObject({ success: true });
      expect(deltas.join("")).toBe(text);
    }
  });
});

describe.each(unigrams)("unigrams as $kind", ({ kind, encoder, decode, progress }) => {
  test("a long text that the vocabulary has nothing of lets others go on", async () => {
    const [before = 0] = progress.shared;
    await encoder.encode("漢".repeat(65_536));
    expect((progress.shared[0] ?? 0) - before).toBeGreaterThan(4);
  });

  test("control tokens that a text spells are its text, and no space comes with them", async () => {
    const names = { "xlm-roberta": "<s></s><pad><mask>", "deberta-v2": "[CLS][SEP][PAD][MASK]" }[kind];
    const ids = await encoder.encode(`the ${names} time`);
    expect(decode(ids)).toBe(`the ${names} time`);
    expect(ids.length).toBeGreaterThan(names.length);
  });
});
