import { expect, it } from "vitest";
import { createModelWatch, watchEveryMs } from "./model-watch.ts";

const limits = { silenceMs: 1000, stepDeadlineMs: 2000, tokenDeadlineMs: 10, maxRssBytes: 500 };

/** A watch over a process that beats as `next` says, for some time of a virtual clock. */
function open() {
  let at = 0;
  const watch = createModelWatch("m", limits, () => at);
  const pass = (ms: number, busy: boolean, beat?: Parameters<typeof watch.heard>[0]) => {
    for (const end = at + ms; at < end; ) {
      at += watchEveryMs;
      if (beat) watch.heard(beat);
      const verdict = watch.verdict(busy);
      if (verdict) return verdict.code;
    }
    return undefined;
  };
  return { watch, pass, sleep: (ms: number) => (at += ms) };
}
const beat = { steps: 1, tokens: 0, rssBytes: 100 };

it("ends a process that is silent, also one without work", () => {
  const { pass } = open();
  expect(pass(10_000, false)).toBeUndefined();
  expect(pass(500, false, beat)).toBeUndefined();
  expect(pass(900, false)).toBeUndefined();
  expect(pass(300, false)).toBe("inference_timeout");
});

it("ends one that never speaks", () => {
  expect(open().pass(31_000, false)).toBe("inference_timeout");
});

it("ends one that is at work and gets nowhere, the later the more tokens it is at", () => {
  const without = open();
  expect(without.pass(60_000, false, beat)).toBeUndefined();
  without.watch.progressed();
  expect(without.pass(1900, true, beat)).toBeUndefined();
  expect(without.pass(500, true, beat)).toBe("inference_timeout");
  const withTokens = open();
  expect(withTokens.pass(6800, true, { ...beat, tokens: 500 })).toBeUndefined();
  expect(withTokens.pass(700, true, { ...beat, tokens: 500 })).toBe("inference_timeout");
});

it("ends one that takes too much memory", () => {
  const { pass } = open();
  expect(pass(500, true, beat)).toBeUndefined();
  expect(pass(250, false, { ...beat, rssBytes: 501 })).toBe("model_crashed");
});

it("does not blame the process for the time that the parent slept", () => {
  const { pass, sleep } = open();
  pass(500, true, beat);
  sleep(60_000);
  expect(pass(900, true)).toBeUndefined();
  expect(pass(400, true)).toBe("inference_timeout");
});
