import { expect, test } from "vitest";
import { InferenceError } from "./inference-error.ts";
import { streamText } from "./stream-text.ts";
import type { GenerateResult } from "./types.ts";

/** A generation whose text and end come by hand. */
function open(signal?: AbortSignal) {
  const { promise, resolve, reject } = Promise.withResolvers<GenerateResult>();
  const seen: { tell: (delta: string) => void; signal?: AbortSignal } = { tell: () => {} };
  const stream = streamText((following) => {
    seen.tell = following.onText;
    seen.signal = following.signal;
    following.signal.addEventListener("abort", () => reject(new InferenceError("aborted", "Aborted.")));
    return promise;
  }, signal);
  const end = () => resolve({ text: "", finishReason: "stop" } as GenerateResult);
  return { stream, seen, end, reject };
}

test("gives each piece as it comes, and what came in the meantime as one", async () => {
  const { stream, seen, end } = open();
  const deltas: string[] = [];
  seen.tell("a");
  for await (const delta of stream) {
    deltas.push(delta);
    if (deltas.length === 1) for (const more of ["b", "c"]) seen.tell(more);
    if (deltas.length === 2) {
      setTimeout(() => seen.tell("d"), 5);
      setTimeout(end, 10);
    }
  }
  expect(deltas).toEqual(["a", "bc", "d"]);
  await expect(stream.result).resolves.toMatchObject({ finishReason: "stop" });
});

test("leaving the loop cancels the generation", async () => {
  const { stream, seen } = open();
  seen.tell("a");
  for await (const _ of stream) break;
  expect(seen.signal?.aborted).toBe(true);
  await expect(stream.result).rejects.toMatchObject({ code: "aborted" });
});

test("the request's own signal cancels it too, and the loop hears of it", async () => {
  const controller = new AbortController();
  const { stream } = open(controller.signal);
  setTimeout(() => controller.abort(), 5);
  await expect(Array.fromAsync(stream)).rejects.toMatchObject({ code: "aborted" });
});

test("text that came before a failure is read before it is told", async () => {
  const { stream, seen, reject } = open();
  const deltas: string[] = [];
  seen.tell("a");
  reject(new InferenceError("model_crashed", "It crashed."));
  const reading = (async () => {
    for await (const delta of stream) deltas.push(delta);
  })();
  await expect(reading).rejects.toMatchObject({ code: "model_crashed" });
  expect(deltas).toEqual(["a"]);
});

test("nobody needs to read the text", async () => {
  const { stream, seen, end } = open();
  seen.tell("a");
  end();
  await expect(stream.result).resolves.toMatchObject({ finishReason: "stop" });
});
