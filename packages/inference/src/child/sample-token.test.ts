import { expect, test } from "vitest";
import { sampleToken } from "./sample-token.ts";

const logits = Float32Array.from([0, 2, 1, -1]);
const plain = { temperature: 1, topP: 1, topK: 0, random: () => 0 };
const softmax = (index: number) =>
  Math.exp(logits[index] ?? 0) / logits.reduce((sum, value) => sum + Math.exp(value), 0);

test("temperature 0 takes the likeliest, the first of equals", () => {
  expect(sampleToken(logits, { ...plain, temperature: 0 }).token).toBe(1);
  expect(sampleToken(Float32Array.from([3, 5, 5]), { ...plain, temperature: 0 }).token).toBe(1);
});

test("tells the model's own probability, whatever the temperature", () => {
  for (const temperature of [0, 0.1, 1, 50]) {
    expect(sampleToken(logits, { ...plain, temperature }).probability).toBeCloseTo(softmax(1), 6);
  }
});

test("draws in proportion to the probabilities", () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i += 1) {
    const { token } = sampleToken(logits, { ...plain, random: () => (i + 0.5) / 1000 });
    counts[token] = (counts[token] ?? 0) + 1;
  }
  const errors = counts.map((count, token) => Math.abs(count / 1000 - softmax(token)));
  expect(Math.max(...errors)).toBeLessThan(0.002);
});

test.each([
  ["top-k", { topK: 2 }, 2],
  ["top-p", { topP: 0.7 }, 2],
  ["top-p of one token", { topP: 0.1 }, 1],
  ["low temperature", { temperature: 0.01 }, 1],
])("%s leaves out the unlikely ones", (_, sampling, last) => {
  expect(sampleToken(logits, { ...plain, ...sampling, random: () => 0.999999 }).token).toBe(last);
});
