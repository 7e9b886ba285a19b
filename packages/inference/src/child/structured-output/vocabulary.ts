import type { PreTrainedTokenizer } from "@huggingface/transformers";

/** What each token writes, as bytes, in an order in which tokens with the same beginning follow each other. */
export interface Vocabulary {
  /** Ids of `bytes[i]`: tokens that write the same. */
  readonly ids: readonly number[];
  readonly bytes: readonly Uint8Array[];
  /** How many bytes each begins with that the one before begins with too. */
  readonly shared: Uint16Array;
  /** Tokens of the vocabulary, added ones included. */
  readonly size: number;
}

/**
 * Reads the vocabulary of a byte-level BPE, or of a SentencePiece tokenizer with bytes to fall back to.
 * @returns undefined when some byte of JSON is no token of its own: then not every text can be written
 */
export function readVocabulary(tokenizer: PreTrainedTokenizer): Vocabulary | undefined {
  const added = tokenizer._tokenizer.get_added_tokens_decoder();
  const tokens = [...tokenizer.get_vocab()];
  const bytesOf = tokens.some(([token]) => token === "<0x0A>") ? bytesOfPiece : bytesOfByteLevel;
  const written = tokens
    .filter(([, id]) => !added.has(id))
    .map(([token, id]) => ({ id, bytes: bytesOf(token) }))
    .filter(({ bytes }) => bytes.length > 0)
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const single = new Set(written.filter(({ bytes }) => bytes.length === 1).map(({ bytes }) => bytes[0]));
  if (!jsonBytes.every((byte) => single.has(byte))) return undefined;
  return {
    ids: written.map(({ id }) => id),
    bytes: written.map(({ bytes }) => bytes),
    shared: Uint16Array.from(written, ({ bytes }, index) => sharedLength(written[index - 1]?.bytes, bytes)),
    size: [...added.keys(), ...tokens.map(([, id]) => id)].reduce((most, id) => Math.max(most, id), 0) + 1,
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The bytes that JSON in UTF-8 is written with, but for tabs and carriage returns, which it never needs. */
const jsonBytes = [0x0a, ...range(0x20, 0x7e), ...range(0x80, 0xbf), ...range(0xc2, 0xf4)];

/** SentencePiece writes spaces as U+2581 and single bytes by their numbers. */
function bytesOfPiece(token: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return byte
    ? Uint8Array.of(Number.parseInt(byte, 16))
    : Buffer.from(token.replaceAll("\u2581", " "), "utf8");
}

/** GPT-2's writing of bytes as characters: printable ones stand for themselves, the others follow from U+0100 on. */
const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
const others = range(0, 0xff).filter((byte) => !printable.includes(byte));
const byteOfCharacter = new Map<string, number>([
  ...printable.map((byte) => [String.fromCharCode(byte), byte] as const),
  ...others.map((byte, index) => [String.fromCharCode(0x100 + index), byte] as const),
]);

/** Empty for a token that is not written so: it stands for nothing that a text may have. */
function bytesOfByteLevel(token: string): Uint8Array {
  const bytes = [...token].map((character) => byteOfCharacter.get(character));
  return Uint8Array.from(bytes.every((byte) => byte !== undefined) ? bytes : []);
}

function sharedLength(one: Uint8Array | undefined, other: Uint8Array): number {
  let length = 0;
  while (one && length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return length;
}
