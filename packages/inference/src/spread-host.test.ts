import { expect, test } from "vitest";
import type { EmbedCall } from "./messages.ts";
import type { ModelHost } from "./model-host.ts";
import { createSpreadHost, shareOut } from "./spread-host.ts";

/** A host that answers each text with its length, when it is told to. */
function fakeHost() {
  const asked: string[][] = [];
  const signals: (AbortSignal | undefined)[] = [];
  let fail: Error | undefined;
  const answer = async (call: EmbedCall, signal: AbortSignal | undefined) => {
    asked.push(call.texts);
    signals.push(signal);
    await Promise.resolve();
    if (fail) throw fail;
    const lengths = call.texts.map((text) => text.length);
    return {
      vectors: lengths.map((length) => Float32Array.of(length)),
      tokens: lengths,
      truncatedTokens: lengths.map(() => 0),
    };
  };
  const host: ModelHost = {
    status: () => ({ id: "a", task: "embedding", source: "hub", state: "ready", pinned: true }),
    load: () => Promise.resolve(),
    // Only embed calls are made here.
    call: ((call: EmbedCall, { signal }: { signal?: AbortSignal }) =>
      answer(call, signal)) as unknown as ModelHost["call"],
    close: () => Promise.resolve(),
  };
  return {
    host,
    asked,
    signals,
    failWith: (error: Error) => {
      fail = error;
    },
  };
}

function open() {
  const [front, first, second] = [fakeHost(), fakeHost(), fakeHost()];
  const spread = createSpreadHost(front.host, [first.host, second.host]);
  const embed = (texts: string[], priority: "interactive" | "bulk" = "bulk", alone = false) =>
    spread.call({ type: "embed", texts, kind: "passage", priority }, { priority, alone });
  return { front, first, second, embed };
}

test("spreads a bulk request evenly, and answers in its order", async () => {
  const { front, first, second, embed } = open();
  const texts = ["a", "bb", "c".repeat(500), "dddd", "e".repeat(499), ""];
  const { vectors, tokens } = await embed(texts);
  expect(vectors.map((vector) => vector[0])).toEqual(texts.map(({ length }) => length));
  expect(tokens).toEqual(texts.map(({ length }) => length));
  expect(front.asked).toEqual([]);
  const sums = [first, second].map(({ asked }) => asked.flat().join("").length);
  expect(Math.abs((sums[0] ?? 0) - (sums[1] ?? 0))).toBeLessThan(10);
});

test("gives interactive requests to the front process, and bulk that must be alone to one of the others", async () => {
  const { front, first, second, embed } = open();
  await embed(["a"], "interactive");
  await embed(["b", "c"], "bulk", true);
  expect(front.asked).toEqual([["a"]]);
  expect([first.asked, second.asked]).toEqual([[["b", "c"]], []]);
});

test("gives small requests to the process that has least to do", async () => {
  const { first, second, embed } = open();
  await Promise.all([embed(["a"]), embed(["b"]), embed(["c"]), embed(["d"])]);
  expect(first.asked).toEqual([["a"], ["c"]]);
  expect(second.asked).toEqual([["b"], ["d"]]);
});

test("ends the other shares when one fails, and tells why it did", async () => {
  const { first, second, embed } = open();
  second.failWith(new Error("crashed"));
  await expect(embed(["a", "b"])).rejects.toThrow("crashed");
  expect(first.signals[0]?.aborted).toBe(true);
});

test("shares out by what each process has to do already", () => {
  expect(shareOut(["aa", "b", "c"], [1000, 0])).toEqual([[], [0, 1, 2]]);
});
