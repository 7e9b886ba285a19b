/** The vocabulary: a byte-level BPE with every character of JIS level 1 and pieces of frequent English words. */

const ENGLISH_MERGES = 6500;
export const SENTENCE_IDS = 256;

export const BOS = "<|begin|>";
export const END = "<|end|>";
export const QUESTION = "<|question|>";
export const ANSWER = "<|answer|>";
export const sentenceId = (index: number) => `<|${index}|>`;
/** The last of the ids is that of the sentence that says that nothing answers. */
export const NONE = sentenceId(SENTENCE_IDS - 1);

export const SPECIAL_TOKENS: readonly string[] = [
  BOS,
  END,
  QUESTION,
  ANSWER,
  ...Array.from({ length: SENTENCE_IDS }, (_, index) => sentenceId(index)),
];

/** Words with the blank before them, digits by three, and the rest. */
const WORD_PATTERN = "\\s?\\p{L}+|\\p{N}{1,3}|\\s?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** GPT-2's printable character for each byte. */
const BYTE_CHARACTERS = (() => {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const spell = (text: string) => [...Buffer.from(text)].map((byte) => BYTE_CHARACTERS[byte] ?? "");

/** The text of a token, as far as its bytes are whole characters. */
export function tokenText(token: string): string {
  return Buffer.from([...token].map((character) => BYTE_CHARACTERS.indexOf(character))).toString("utf8");
}

type Merge = readonly [string, string];

/** Merges that make one token of each character of several bytes. */
function characterMerges(): Merge[] {
  const eucJp = new TextDecoder("euc-jp");
  const characters: string[] = [];
  for (let code = 0xa1; code < 0x24f; code++) characters.push(String.fromCharCode(code));
  for (let row = 0xa1; row <= 0xcf; row++) {
    for (let cell = 0xa1; cell <= 0xfe; cell++) characters.push(eucJp.decode(Uint8Array.of(row, cell)));
  }
  const seen = new Map<string, Merge>();
  for (const character of characters) {
    const pieces = spell(character);
    if (character.includes("\ufffd") || pieces.length > 3) continue;
    for (let size = 1; size < pieces.length; size++) {
      const left = pieces.slice(0, size).join("");
      const right = pieces[size] ?? "";
      seen.set(left + right, [left, right]);
    }
  }
  return [...seen.values()].sort((a, b) => a.join("").length - b.join("").length);
}

/** Merges that make one token of each number of two or three digits. */
function numberMerges(): Merge[] {
  const number = (value: number, size: number) => String(value).padStart(size, "0");
  const pairs = Array.from({ length: 100 }, (_, value): Merge => {
    const digits = number(value, 2);
    return [digits.charAt(0), digits.charAt(1)];
  });
  const triples = Array.from({ length: 1000 }, (_, value): Merge[] => {
    const digits = number(value, 3);
    return [
      [digits.slice(0, 2), digits.charAt(2)],
      [digits.charAt(0), digits.slice(1)],
    ];
  });
  return [...pairs, ...triples.flat()];
}

interface Word {
  pieces: string[];
  count: number;
}

function mostFrequentPair(words: readonly Word[]): Merge | undefined {
  const counts = new Map<string, number>();
  for (const { pieces, count } of words) {
    for (let i = 1; i < pieces.length; i++) {
      const pair = `${pieces[i - 1]} ${pieces[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  for (const [pair, count] of counts) {
    const most = best === undefined ? 0 : (counts.get(best) ?? 0);
    if (count > most || (count === most && best !== undefined && pair < best)) best = pair;
  }
  const [left, right] = best?.split(" ") ?? [];
  return left === undefined || right === undefined ? undefined : [left, right];
}

function join(word: Word, [left, right]: Merge): void {
  for (let i = 1; i < word.pieces.length; i++) {
    if (word.pieces[i - 1] === left && word.pieces[i] === right) word.pieces.splice(i - 1, 2, left + right);
  }
}

/** BPE over a list of words by falling frequency (taken as Zipf's law has it), in the usual spellings. */
function englishMerges(frequentWords: readonly string[]): Merge[] {
  let words = frequentWords.flatMap((word, rank): Word[] => {
    const title = word.charAt(0).toUpperCase() + word.slice(1);
    const count = 1 / (rank + 30);
    return [
      { pieces: spell(` ${word}`), count },
      { pieces: spell(` ${title}`), count: count * 0.1 },
      { pieces: spell(word), count: count * 0.1 },
      { pieces: spell(title), count: count * 0.1 },
    ];
  });
  const merges: Merge[] = [];
  while (merges.length < ENGLISH_MERGES) {
    const pair = mostFrequentPair(words);
    if (pair === undefined) break;
    merges.push(pair);
    for (const word of words) if (word.pieces.includes(pair[0])) join(word, pair);
    words = words.filter(({ pieces }) => pieces.length > 1);
  }
  return merges;
}

export interface Vocabulary {
  tokens: string[];
  merges: Merge[];
}

/** Special tokens first, then bytes, characters, numbers and pieces of words. */
export function buildVocabulary(frequentWords: readonly string[]): Vocabulary {
  const merges = [...characterMerges(), ...numberMerges(), ...englishMerges(frequentWords)];
  const tokens = [
    ...new Set([...SPECIAL_TOKENS, ...BYTE_CHARACTERS, ...merges.map(([left, right]) => left + right)]),
  ];
  return { tokens, merges };
}

/** `tokenizer.json` as Hugging Face's tokenizers read it. */
export function tokenizerJson({ tokens, merges }: Vocabulary): unknown {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: WORD_PATTERN }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: BOS, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [
        { SpecialToken: { id: BOS, type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { Sequence: { id: "B", type_id: 1 } },
      ],
      special_tokens: { [BOS]: { id: BOS, ids: [0], tokens: [BOS] } },
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}
