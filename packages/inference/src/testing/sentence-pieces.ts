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
    post_processor: around("<s>", []),
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
    chat_template:
      "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n",
  };
  return { tokenizer, config, tokens };
}

/** A post-processor that puts a token before a text, and some after it. */
function around(before: string, after: readonly string[]) {
  const name = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const single = [name(before), { Sequence: { id: "A", type_id: 0 } }, ...after.map(name)];
  const ids: Record<string, number> = { "<s>": 1 };
  const special_tokens = { [before]: { id: before, ids: [ids[before] ?? 0], tokens: [before] } };
  return { type: "TemplateProcessing", single, pair: [...single], special_tokens };
}
