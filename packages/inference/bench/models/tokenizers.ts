import { readFileSync } from "node:fs";

const mini = new URL("../../mini/", import.meta.url);

/** Frequent English words of lower-case letters, each a token of both tokenizers or nearly so. */
export const frequentWords: readonly string[] = readFileSync(new URL("generator/words.txt", mini), "utf8")
  .split(/\s+/)
  .filter((word) => /^[a-z]+$/.test(word));

const special = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** BERT's tokenizer with a vocabulary of its usual size: letters, frequent words, and filling. */
export function wordPieceFiles(size: number): { tokenizer: object; config: object } {
  const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
  const pieces = [
    "[PAD]",
    ...Array.from({ length: 99 }, (_, index) => `[unused${index}]`),
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    ...".,!?;:()'\"-",
    ...letters,
    ...letters.map((letter) => `##${letter}`),
    ...frequentWords,
  ];
  const tokens = [...new Set(pieces)];
  while (tokens.length < size) tokens.push(`##filling${tokens.length}`);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const around = { "[CLS]": 101, "[SEP]": 102 };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map((name) =>
      special(name, vocab[name] ?? 0),
    ),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
        { Sequence: { id: "B", type_id: 1 } },
        { SpecialToken: { id: "[SEP]", type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        Object.entries(around).map(([id, number]) => [id, { id, ids: [number], tokens: [id] }]),
      ),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
  const config = {
    tokenizer_class: "BertTokenizer",
    model_max_length: 512,
    do_lower_case: true,
    unk_token: "[UNK]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  };
  return { tokenizer, config };
}

interface BytePairTokenizer {
  model: { vocab: Record<string, number>; merges: [string, string][] };
}

/** The mini generator's byte-level BPE, its vocabulary filled up to a size, and a plain chat template. */
export function bytePairFiles(size: number) {
  const file = (name: string) => readFileSync(new URL(`models/genq/mini-generator/${name}`, mini), "utf8");
  // Both are this repository's own files.
  const tokenizer = JSON.parse(file("tokenizer.json")) as BytePairTokenizer;
  const config = JSON.parse(file("tokenizer_config.json")) as object;
  const { vocab, merges } = tokenizer.model;
  const tokens = Object.keys(vocab);
  while (tokens.length < size) {
    const token = `filling${tokens.length}`;
    vocab[token] = tokens.length;
    tokens.push(token);
  }
  const template = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}";
  return {
    tokenizer,
    config: { ...config, chat_template: template },
    tokens,
    merges: merges.map((pair) => pair.join(" ")),
  };
}
