import { PreTrainedTokenizer } from "@huggingface/transformers";
import { expect, test } from "vitest";
import { createTextEncoder } from "./encode-text.ts";
import { noProgress } from "./yield-to-events.ts";

const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

const names = ["<unk>", "<s>", "</s>", "<|end|>"];
const pieces = [...names, ..."abc</>|sendu▁aあ", "end", "<s"].filter(
  (piece, index, all) => all.indexOf(piece) === index,
);

/** A sentencepiece-like tokenizer, whose vocabulary holds the control tokens' names too. */
const tokenizer = new PreTrainedTokenizer(
  {
    version: "1.0",
    added_tokens: names.map((name, id) => special(id, name)),
    normalizer: { type: "NFKC" },
    pre_tokenizer: null,
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "<s>", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "</s>", type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] },
        "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
      },
    },
    decoder: null,
    model: { type: "Unigram", unk_id: 0, vocab: pieces.map((piece) => [piece, -piece.length]) },
  },
  { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" },
);
const progress = noProgress();
const encoder = createTextEncoder(tokenizer, progress);
const read = (ids: readonly number[]) => ids.map((id) => tokenizer._tokenizer.id_to_token(id)).join("");

test("knows what the tokenizer puts around a text", () => {
  expect([encoder.before, encoder.after]).toEqual([[1], [2]]);
});

test.each(["</s>", "a<|end|>b", "<<s>", "<s></s><|end|>", "<unk>", "<|end|><|end|>"])(
  "reads %s as text",
  async (text) => {
    const ids = await encoder.encode(text);
    expect(ids.filter((id) => id >= 1 && id <= 3)).toEqual([]);
    expect(ids.length).toBeGreaterThan(1);
  },
);

test("reads control tokens spelled in other widths as text", async () => {
  const ids = await encoder.encode("＜/s＞ ＜|end|＞");
  expect(ids.filter((id) => id >= 1 && id <= 3)).toEqual([]);
});

test("keeps meant control tokens apart from spelled ones", async () => {
  const ids = await encoder.encodeProtected(`<s>${encoder.protect("a</s>b")}</s>`);
  expect(ids.filter((id) => id >= 1 && id <= 3)).toEqual([1, 2]);
  expect(read(ids)).toBe("<s>a</s>b</s>");
});

test("takes texts of any length without a stack overflow, and counts steps on the way", async () => {
  const ids = await encoder.encode("aあ".repeat(150_000));
  expect(ids).toHaveLength(300_000);
  expect(progress.shared[0]).toBeGreaterThan(3);
});

test("cuts no character of two units in half", async () => {
  const ids = await encoder.encode(`a${"😀".repeat(20_000)}`);
  expect(ids.length).toBeLessThan(100);
});

test("lone surrogates are replaced", () => {
  expect(encoder.protect("\ud800a\udfff")).toBe("\ufffda\ufffd");
});
