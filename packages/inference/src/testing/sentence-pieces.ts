import { frequentWords } from "../../bench/models/tokenizers.ts";

/** Kinds of SentencePiece's byte pair encoding on the hub. They differ in where they put a space before a text. */
export type BytePairKind = "llama" | "mistral" | "gemma";

const space = "\u2581";
const letters = [
  ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  ..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  ..."あいうえおかがきくこさしすたてでとなにのはまるをんアイトリロン日本語",
];
const frequent = frequentWords.slice(0, 200);
const words = [...frequent.map((word) => space + word), ...frequent];

const added = (names: readonly string[], tokens: readonly string[]) =>
  names.map((content) => ({
    id: tokens.indexOf(content),
    content,
    single_word: false,
    lstrip: content === "<mask>",
    rstrip: false,
    normalized: false,
    special: true,
  }));

const replaceSpaces = { type: "Replace", pattern: { String: " " }, content: space };
const readBytes = [
  { type: "Replace", pattern: { String: space }, content: " " },
  { type: "ByteFallback" },
  { type: "Fuse" },
];
const dropFirstSpace = { type: "Strip", content: " ", start: 1, stop: 0 };

export const chatTemplate =
  "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n";

/** Pieces of words, and bytes for all else. */
export function bytePairFiles(kind: BytePairKind) {
  const control = ["<unk>", "<s>", "</s>"];
  const bytes = Array.from({ length: 256 }, (_, byte) => {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
  });
  const merges = new Map<string, [string, string]>();
  for (const word of words) {
    const characters = [...word];
    for (let end = 1; end < characters.length; end += 1)
      merges.set(characters.slice(0, end + 1).join(""), [
        characters.slice(0, end).join(""),
        characters[end] ?? "",
      ]);
  }
  const turns = ["<|im_start|>", "<|im_end|>"];
  const tokens = [...new Set([...control, ...bytes, space, "\n", ...letters, ...merges.keys()]), ...turns];
  const prefix = kind === "llama" ? [{ type: "Prepend", prepend: space }] : [];
  const metaspace = { type: "Metaspace", replacement: space, prepend_scheme: "first", split: false };
  const tokenizer = {
    version: "1.0",
    added_tokens: added([...control, ...turns], tokens),
    normalizer: kind === "mistral" ? null : { type: "Sequence", normalizers: [...prefix, replaceSpaces] },
    pre_tokenizer: kind === "mistral" ? metaspace : null,
    post_processor: putAround(tokens, ["<s>", "A"], ["<s>", "A", "<s>", "B"]),
    decoder: { type: "Sequence", decoders: kind === "gemma" ? readBytes : [...readBytes, dropFirstSpace] },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [...merges.values()],
    },
  };
  const config = {
    tokenizer_class: { llama: "LlamaTokenizer", mistral: "LlamaTokenizer", gemma: "GemmaTokenizer" }[kind],
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    pad_token: "</s>",
    clean_up_tokenization_spaces: false,
    // Newer models have it in a file of its own.
    ...(kind !== "gemma" && { chat_template: chatTemplate }),
  };
  return { tokenizer, config, tokens };
}

/** What SentencePiece's other kind is like on the hub, as cross-encoders have it. */
const unigramKinds = {
  "xlm-roberta": {
    control: ["<s>", "<pad>", "</s>", "<unk>"],
    last: "<mask>",
    single: ["<s>", "A", "</s>"],
    pair: ["<s>", "A", "</s>", "</s>", "B", "</s>"],
    normalizers: [{ type: "Precompiled", precompiled_charsmap: "" }],
    before: [{ type: "WhitespaceSplit" }],
    config: {
      tokenizer_class: "XLMRobertaTokenizer",
      bos_token: "<s>",
      eos_token: "</s>",
      cls_token: "<s>",
      sep_token: "</s>",
      pad_token: "<pad>",
      unk_token: "<unk>",
      mask_token: "<mask>",
    },
  },
  "deberta-v2": {
    control: ["[PAD]", "[CLS]", "[SEP]", "[UNK]"],
    last: "[MASK]",
    single: ["[CLS]", "A", "[SEP]"],
    pair: ["[CLS]", "A", "[SEP]", "B:1", "[SEP]:1"],
    normalizers: [
      { type: "Strip", strip_left: true, strip_right: true },
      { type: "Precompiled", precompiled_charsmap: "" },
      { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
    ],
    before: [],
    config: {
      tokenizer_class: "DebertaV2Tokenizer",
      bos_token: "[CLS]",
      eos_token: "[SEP]",
      cls_token: "[CLS]",
      sep_token: "[SEP]",
      pad_token: "[PAD]",
      unk_token: "[UNK]",
      mask_token: "[MASK]",
    },
  },
} as const;
export type UnigramKind = keyof typeof unigramKinds;

/** Pieces of words, each with how likely it is; what is of none is unknown. */
export function unigramFiles(kind: UnigramKind, longest = 512) {
  const { control, last, single, pair, normalizers, before, config } = unigramKinds[kind];
  const pieces = [...new Set([space, ...letters, ...words])];
  const tokens = [...control, ...pieces, last];
  const tokenizer = {
    version: "1.0",
    added_tokens: added([...control, last], tokens),
    normalizer: { type: "Sequence", normalizers },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [...before, { type: "Metaspace", replacement: space, prepend_scheme: "always" }],
    },
    post_processor: putAround(tokens, single, pair),
    decoder: { type: "Metaspace", replacement: space, prepend_scheme: "always" },
    model: {
      type: "Unigram",
      unk_id: 3,
      // A word costs less than its letters.
      vocab: tokens.map((token) => [
        token,
        control.some((name) => name === token) ? 0 : -8 - token.length / 8,
      ]),
    },
  };
  return { tokenizer, config: { ...config, model_max_length: longest }, tokens };
}

/** The post-processor that puts tokens around one text A, and around two. */
function putAround(tokens: readonly string[], single: readonly string[], pair: readonly string[]) {
  const read = (part: string) => {
    const [id = "", type] = part.split(":");
    const place = { id, type_id: Number(type ?? 0) };
    return id === "A" || id === "B" ? { Sequence: place } : { SpecialToken: place };
  };
  const names = [...new Set(pair.map((part) => part.split(":")[0] ?? ""))].filter(
    (id) => id !== "A" && id !== "B",
  );
  return {
    type: "TemplateProcessing",
    single: single.map(read),
    pair: pair.map(read),
    special_tokens: Object.fromEntries(
      names.map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }]),
    ),
  };
}
