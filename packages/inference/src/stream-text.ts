import type { GenerateResult, GenerationStream } from "./types.ts";

interface Following {
  signal: AbortSignal;
  onText: (delta: string) => void;
}

/**
 * Makes a stream of a generation that tells its text. What a slow reader has not taken yet is one piece of text, no
 * longer than the answer.
 */
export function streamText(
  generate: (following: Following) => Promise<GenerateResult>,
  signal?: AbortSignal,
): GenerationStream {
  const canceled = new AbortController();
  let pending = "";
  let isOver = false;
  let news = Promise.withResolvers<void>();
  const result = generate({
    signal: signal ? AbortSignal.any([signal, canceled.signal]) : canceled.signal,
    onText: (delta) => {
      pending += delta;
      news.resolve();
    },
  });
  const end = () => {
    isOver = true;
    news.resolve();
  };
  // Who only reads the text hears of a failure there.
  result.then(end, end);

  async function* read(): AsyncGenerator<string, void, undefined> {
    try {
      while (!isOver || pending) {
        const text = pending;
        pending = "";
        if (text) yield text;
        else {
          await news.promise;
          news = Promise.withResolvers();
        }
      }
      await result;
    } finally {
      canceled.abort();
    }
  }
  const text = read();
  return { result, [Symbol.asyncIterator]: () => text };
}
