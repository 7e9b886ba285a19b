import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { finishPiece, type Progress } from "../yield-to-events.ts";

/** What each token writes, as bytes, in an order in which tokens with the same beginning follow each other. */
export interface Vocabulary {
  /** Ids of `bytes[i]`: tokens that write the same. */
  readonly ids: readonly number[];
  readonly bytes: readonly Uint8Array[];
  /** How many bytes each begins with that the one before begins with too. */
  readonly shared: Uint16Array;
  /** The same by id. */
  readonly bytesOf: ReadonlyMap<number, Uint8Array>;
  /** Tokens of the vocabulary, added ones included. */
  readonly size: number;
}

/**
 * Reads the vocabulary of a byte-level BPE, or of a SentencePiece tokenizer with bytes to fall back to, in pieces that
 * let others' answers go on.
 * @returns undefined when some byte of JSON is no token of its own: then not every text can be written
 */
export async function readVocabulary(
  tokenizer: PreTrainedTokenizer,
  progress: Progress,
): Promise<Vocabulary | undefined> {
  const added = tokenizer._tokenizer.get_added_tokens_decoder();
  const tokens = tokenizer.get_vocab();
  const write = tokens.has("<0x0A>") ? writtenByPiece : writtenByByteLevel;
  /** By their first byte: all of them are too many to be sorted in one piece. */
  const groups = range(0, 0xff).map((): { id: number; text: string }[] => []);
  let size = Math.max(0, ...added.keys()) + 1;
  for (const [token, id] of tokens) {
    if (id % 1000 === 0) await finishPiece(progress);
    size = Math.max(size, id + 1);
    const text = added.has(id) ? "" : write(token);
    if (text !== "") groups[text.charCodeAt(0)]?.push({ id, text });
  }
  if (!jsonBytes.every((byte) => groups[byte]?.some(({ text }) => text.length === 1))) return undefined;

  const ids: number[] = [];
  const bytes: Uint8Array[] = [];
  const bytesOf = new Map<number, Uint8Array>();
  const shared = new Uint16Array(tokens.size);
  for (const group of groups) {
    for (const { id, text } of group.sort((one, other) => (one.text < other.text ? -1 : 1))) {
      const written = Buffer.from(text, "latin1");
      shared[ids.length] = sharedLength(bytes.at(-1), written);
      ids.push(id);
      bytes.push(written);
      bytesOf.set(id, written);
    }
    await finishPiece(progress);
  }
  return { ids, bytes, shared, bytesOf, size };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The bytes that JSON in UTF-8 is written with, but for tabs and carriage returns, which it never needs. */
const jsonBytes = [0x0a, ...range(0x20, 0x7e), ...range(0x80, 0xbf), ...range(0xc2, 0xf4)];

/** SentencePiece writes spaces as U+2581 and single bytes by their numbers. @returns one character for each byte */
function writtenByPiece(token: string): string {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return byte
    ? String.fromCharCode(Number.parseInt(byte, 16))
    : Buffer.from(token.replaceAll("\u2581", " "), "utf8").toString("latin1");
}

/** GPT-2's writing of bytes as characters: printable ones stand for themselves, the others follow from U+0100 on. */
const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
const others = range(0, 0xff).filter((byte) => !printable.includes(byte));
const byteOfCharacter = new Map<string, string>([
  ...printable.map((byte) => [String.fromCharCode(byte), String.fromCharCode(byte)] as const),
  ...others.map((byte, index) => [String.fromCharCode(0x100 + index), String.fromCharCode(byte)] as const),
]);

/** Empty for a token that is not written so: it stands for nothing that a text may have. */
function writtenByByteLevel(token: string): string {
  let written = "";
  for (const character of token) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return "";
    written += byte;
  }
  return written;
}

function sharedLength(one: Uint8Array | undefined, other: Uint8Array): number {
  let length = 0;
  while (one && length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return length;
}
