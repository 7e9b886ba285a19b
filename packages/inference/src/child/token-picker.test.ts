import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SamplingSettings } from "../types.ts";
import { createTokenPicker } from "./token-picker.ts";

const logits = Float32Array.from([0, 2, 1, -1]);
const softmax = (index: number) =>
  Math.exp(logits[index] ?? 0) / logits.reduce((sum, value) => sum + Math.exp(value), 0);

function pickOnce(values: ArrayLike<number>, settings: Partial<SamplingSettings>, prompt: number[] = []) {
  return createTokenPicker({ temperature: 0, ...settings }, prompt).pick(Float32Array.from(values));
}

/** How often each token is drawn, as shares. */
function shares(values: Float32Array, settings: SamplingSettings, draws: number): number[] {
  const picker = createTokenPicker({ seed: 1, ...settings }, []);
  const counts = new Array<number>(values.length).fill(0);
  for (let i = 0; i < draws; i += 1) {
    const { token } = picker.pick(values);
    counts[token] = (counts[token] ?? 0) + 1;
  }
  return counts.map((count) => count / draws);
}

test("temperature 0 takes the likeliest, the first of equals", () => {
  expect(pickOnce(logits, {}).token).toBe(1);
  expect(pickOnce([3, 5, 5], {}).token).toBe(1);
});

test("tells the model's own probability, whatever the settings, and the likeliest tokens", () => {
  for (const temperature of [0, 0.1, 1, 50]) {
    const settings = { temperature, logitBias: { 1: 30 }, logprobs: 3, repetitionPenalty: 2 };
    const picked = pickOnce(logits, settings, [1]);
    expect(Math.exp(picked.logProbability)).toBeCloseTo(softmax(picked.token), 7);
    expect(picked.top.map(({ token }) => token)).toEqual([1, 2, 0]);
    expect(Math.exp(picked.top[2]?.logProbability ?? 0)).toBeCloseTo(softmax(0), 7);
  }
  expect(logits).toEqual(Float32Array.from([0, 2, 1, -1]));
});

test("draws in proportion to the probabilities", () => {
  for (const [token, share] of shares(logits, { temperature: 1 }, 20_000).entries())
    expect(Math.abs(share - softmax(token))).toBeLessThan(0.01);
});

test.each<[string, Partial<SamplingSettings>, number[]]>([
  ["top-k", { topK: 2 }, [1, 2]],
  ["top-p", { topP: 0.7 }, [1, 2]],
  ["top-p of one token", { topP: 0.1 }, [1]],
  ["top-p of what top-k left", { topK: 2, topP: 0.7 }, [1]],
  ["min-p", { minP: 0.3 }, [1, 2]],
  ["low temperature", { temperature: 0.01 }, [1]],
  ["top-k of more than are likely at all", { temperature: 0.01, topK: 4 }, [1]],
  ["top-k and top-p of more than are likely at all", { temperature: 0.01, topK: 4, topP: 0.9 }, [1]],
  ["nothing left out", {}, [0, 1, 2, 3]],
])("%s leaves out the unlikely ones", (_, settings, expected) => {
  const drawn = shares(logits, { temperature: 1, ...settings }, 2000);
  expect(drawn.flatMap((share, token) => (share > 0 ? token : []))).toEqual(expected);
});

test("of equal tokens at the border of top-k the first are kept", () => {
  const drawn = shares(Float32Array.from([1, 2, 1, 1]), { temperature: 1, topK: 3 }, 2000);
  expect(drawn.map((share) => share > 0)).toEqual([true, true, true, false]);
});

describe("penalties and bias", () => {
  test.each<[string, Partial<SamplingSettings>, number[], number]>([
    ["repetition of the prompt divides what is positive", { repetitionPenalty: 3 }, [1], 2],
    ["repetition of other tokens changes nothing", { repetitionPenalty: 3 }, [0], 1],
    ["bias lifts a token", { logitBias: { 3: 100 } }, [], 3],
    ["bias forbids a token", { logitBias: { 1: -100 } }, [], 2],
    ["presence counts the answer only", { presencePenalty: 2 }, [1], 1],
  ])("%s", (_, settings, prompt, token) => expect(pickOnce(logits, settings, prompt).token).toBe(token));

  test("repetition multiplies what is negative", () => {
    expect(pickOnce([-1, -2], { repetitionPenalty: 3 }, [0]).token).toBe(1);
  });

  test("presence is taken off once and frequency each time", () => {
    const run = (settings: Partial<SamplingSettings>) => {
      const picker = createTokenPicker({ temperature: 0, ...settings }, []);
      return [1, 2, 3, 4].map(() => picker.pick(Float32Array.from([1, 0, -1.5])).token);
    };
    expect(run({ presencePenalty: 1.5 })).toEqual([0, 1, 0, 0]);
    expect(run({ frequencyPenalty: 0.8 })).toEqual([0, 0, 1, 0]);
    expect(run({ repetitionPenalty: 2 })).toEqual([0, 0, 0, 0]);
  });

  test("a bias for a token that the model has not is refused by its id", () => {
    expect(() => pickOnce(logits, { logitBias: { 4: 1 } })).toThrow(
      expect.objectContaining({ code: "invalid_input", message: expect.stringContaining("token 4") }),
    );
  });
});

test("never picks a token that is not allowed", () => {
  const allowed = Int32Array.from([0b1001]);
  for (const temperature of [0, 1, 100])
    for (let seed = 0; seed < 50; seed += 1) {
      const { token } = createTokenPicker({ temperature, seed, logitBias: { 1: 100 } }, []).pick(
        logits,
        allowed,
      );
      expect([0, 3]).toContain(token);
    }
  expect(() => createTokenPicker({ temperature: 0 }, []).pick(logits, Int32Array.from([0]))).toThrow(
    "No token",
  );
});

test("logits that are no numbers are an error, not token 0", () => {
  expect(() => pickOnce([Number.NaN, Number.NaN], {})).toThrow(
    expect.objectContaining({ code: "model_crashed" }),
  );
});

test("any row draws what a plain implementation that sorts draws, and nothing else", () => {
  // Steps of 1/8: logits that differ by less than a float's rounding are equal to one and not to the other.
  const logit = fc.integer({ min: -240, max: 240 }).map((eighths) => eighths / 8);
  const row = fc.array(logit, { minLength: 1, maxLength: 40 });
  const settings = fc.record({
    temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
    topK: fc.integer({ min: 0, max: 50 }),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(row, settings, (values, sampling) => {
      const float = Float32Array.from(values);
      const kept = keptBySorting(float, sampling);
      const picker = createTokenPicker(sampling, []);
      for (let i = 0; i < 5; i += 1) expect(kept).toContain(picker.pick(float).token);
    }),
    { numRuns: 500 },
  );
});

/** The tokens that may be drawn, with a margin for rounding. */
function keptBySorting(
  values: Float32Array,
  { temperature, topK = 0, topP = 1, minP = 0 }: SamplingSettings,
): number[] {
  const top = Math.max(...values);
  let kept = [...values]
    .map((value, token) => ({ token, weight: Math.exp((value - top) / temperature) }))
    .filter(({ weight }) => weight >= minP * (1 - 1e-6))
    .sort((a, b) => b.weight - a.weight || a.token - b.token);
  if (topK > 0) kept = kept.slice(0, topK);
  const all = kept.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  return kept.flatMap(({ token, weight }) => {
    const isKept = before <= topP * all * (1 + 1e-6);
    before += weight;
    return isKept ? token : [];
  });
}
