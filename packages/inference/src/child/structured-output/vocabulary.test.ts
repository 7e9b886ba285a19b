import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { expect, test } from "vitest";
import { noProgress } from "../yield-to-events.ts";
import { readVocabulary } from "./vocabulary.ts";

/** A vocabulary of a large model's size: each byte as GPT-2 writes it, and words of made-up letters. */
function tokenizerOf(tokens: number): PreTrainedTokenizer {
  const bytes = Array.from({ length: 0x144 }, (_, code) => String.fromCharCode(code));
  const words = Array.from({ length: tokens }, (_, index) => `\u0120w${index * 7919}`);
  const vocabulary = new Map([...bytes, ...words].map((token, id) => [token, id]));
  // Of a tokenizer, this is all that is asked.
  return {
    get_vocab: () => vocabulary,
    _tokenizer: { get_added_tokens_decoder: () => new Map() },
  } as unknown as PreTrainedTokenizer;
}

test("a large vocabulary is read in pieces, in the order of its bytes", async () => {
  const progress = noProgress();
  const vocabulary = await readVocabulary(tokenizerOf(150_000), progress);
  expect(vocabulary?.ids.length).toBeGreaterThan(150_000);
  const words = vocabulary?.bytes.map((bytes) => Buffer.from(bytes)) ?? [];
  expect(
    words.every((word, index) => index === 0 || Buffer.compare(words[index - 1] ?? word, word) <= 0),
  ).toBe(true);
  expect(progress.shared[0], "times that other work was let in").toBeGreaterThan(1);
});

test("a vocabulary that can't write every byte of JSON is none", async () => {
  const tokenizer = tokenizerOf(10);
  tokenizer.get_vocab().delete("{");
  expect(await readVocabulary(tokenizer, noProgress())).toBeUndefined();
});
