import { Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { tinyDecoder, tinyVocabulary } from "../../testing/tiny-decoder.ts";
import { newStore } from "./kv-layout.ts";
import { kvTensor } from "./kv-tensor.ts";
import { runInPlace } from "./run-in-place.ts";

/** Room for so many tokens: 25 MB of caches in all. */
const room = 100_000;

async function setUp() {
  const session = await tinyDecoder({ attention: "grouped", cache: "float", places: "given" });
  const names = session.inputNames.filter((name) => name.startsWith("past"));
  const caches = names.map((input) => ({ input, output: "", type: "float32", heads: 2, size: 8 }) as const);
  const { data } = newStore(caches, 1, room);
  const past = data.map((values) => kvTensor(values, [1, 2, room, 8]));
  const one = () => new Tensor("int64", BigInt64Array.of(1n), [1, 1]);
  const run = (token: Tensor) => {
    const feeds = { input_ids: token, position_ids: one(), attention_mask: one() };
    const named = (name: (input: string) => string) =>
      Object.fromEntries(past.map((tensor, index) => [name(names[index] ?? ""), tensor]));
    const places = named((input) => input.replace("past_key_values", "present"));
    return runInPlace(session, { ...feeds, ...named((input) => input) }, places, "logits", {});
  };
  return { data, run, token: one() };
}

test("what is wanted comes back, and the rest is where it should be, not copied", async () => {
  const { data, run, token } = await setUp();
  const before = process.memoryUsage().arrayBuffers;
  const logits = await run(token);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  expect(logits?.dims).toEqual([1, 1, tinyVocabulary]);
  expect(logits?.data).toHaveLength(tinyVocabulary);
  for (const values of data) {
    expect(values.subarray(0, 8).every((value) => value !== 0)).toBe(true);
    expect(values.subarray(8, 16).every((value) => value === 0)).toBe(true);
  }
});

test("tensors are as always beside it, and after a run that failed", async () => {
  const { run, token } = await setUp();
  const running = run(token);
  expect(new Tensor("bool", [true, false], [2]).size).toBe(2);
  await running;
  expect(new Tensor("bool", [true, false], [2]).size).toBe(2);
  const outside = new Tensor("int64", BigInt64Array.of(BigInt(tinyVocabulary)), [1, 1]);
  await expect(run(outside)).rejects.toThrow("indices element out of data bounds");
  expect(new Tensor("bool", [true, false], [2]).size).toBe(2);
});
