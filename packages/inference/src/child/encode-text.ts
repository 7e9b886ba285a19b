import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { finishPiece, type Progress } from "./yield-to-events.ts";

/**
 * Longest piece given to the tokenizer at once: above about 100,000 tokens its array spreads overflow the stack, and what
 * is in no vocabulary it joins in the square of its length, 16,384 characters in 0.9 s.
 */
const pieceCharacters = 4_096;
/** Marks where a protected text is cut. A noncharacter: it stands for nothing, so texts lose nothing without it. */
const cut = "\uFDD0";

/** Turns texts of untrusted origin into token ids. */
export interface TextEncoder {
  /** Encodes a text, never into control tokens, whatever the text says. */
  encode(text: string): Promise<number[]>;
  /**
   * Marks every control token that a text spells, so that `encodeProtected` reads it as text, also inside a larger
   * text with real control tokens. Lone surrogates become U+FFFD.
   */
  protect(text: string): string;
  /** Encodes a text of protected parts and of parts whose control tokens are meant. Adds no special tokens. */
  encodeProtected(text: string): Promise<number[]>;
  /** Ids that the tokenizer puts before and after each text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export function createTextEncoder(tokenizer: PreTrainedTokenizer, progress: Progress): TextEncoder {
  const added = [...tokenizer._tokenizer.get_added_tokens_decoder().values()].filter(({ content }) =>
    content.trim(),
  );
  const addedIds = new Set(added.map(({ id }) => id));
  const unknown = tokenizer.unk_token_id;
  const insideName = insideNames(added.map(({ content }) => content));

  const encodeBare = (text: string) => tokenizer.encode(text, { add_special_tokens: false });
  const goOnWith = createGoOn(encodeBare, tokenizer);

  function protect(text: string): string {
    const clean = text.toWellFormed().replaceAll(cut, "");
    return insideName ? clean.replace(insideName, cut) : clean;
  }

  async function encodeProtected(text: string): Promise<number[]> {
    // Joined at the end: a text of control tokens has as many parts.
    const ids: number[][] = [];
    for (const part of text.split(cut)) {
      for (const piece of splitLong(part)) {
        const own = ids.length === 0 ? encodeBare(piece) : goOnWith(piece);
        if (own.length > 0) ids.push(own);
        await finishPiece(progress);
      }
    }
    return ids.flat();
  }

  async function encode(text: string): Promise<number[]> {
    const ids = await encodeProtected(protect(text));
    // A normalizer may still have made a control token's name of other characters.
    return ids.flatMap((id) => (!addedIds.has(id) || id === unknown ? id : (unknown ?? [])));
  }

  return { encode, protect, encodeProtected, ...specialTokensAround(tokenizer) };
}

/**
 * Encodes what goes on with a text. SentencePiece puts a space before each text, which would then stand inside this one:
 * behind a character that nothing is joined with there is none.
 */
function createGoOn(encode: (text: string) => number[], tokenizer: PreTrainedTokenizer) {
  if (!tokenizer.tokenize("a")[0]?.startsWith("\u2581")) return encode;
  const lead = encode(cut);
  return (text: string) => encode(cut + text).slice(lead.length);
}

/** Which ids the tokenizer's post-processor puts around a text. */
function specialTokensAround(tokenizer: PreTrainedTokenizer): { before: number[]; after: number[] } {
  const bare = tokenizer.encode("a", { add_special_tokens: false });
  const whole = tokenizer.encode("a");
  const start = whole.findIndex((_, index) => bare.every((id, offset) => whole[index + offset] === id));
  return { before: whole.slice(0, start), after: whole.slice(start + bare.length) };
}

/** Matches after the first character of each name, by looking around: names may overlap in a text. */
function insideNames(names: readonly string[]): RegExp | undefined {
  const byFirst = Object.entries(
    Object.groupBy(names, (name) => String.fromCodePoint(name.codePointAt(0) ?? 0)),
  );
  if (byFirst.length === 0) return undefined;
  const patterns = byFirst.map(([first, group = []]) => {
    const rests = group.map((name) => escapePattern(name.slice(first.length)));
    return `(?<=${escapePattern(first)})(?=${rests.join("|")})`;
  });
  return new RegExp(patterns.join("|"), "gu");
}

const escapePattern = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Splits a long text before a space where there is one in the last tenth of a piece, never inside a character. */
function* splitLong(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > pieceCharacters) {
    const limit = start + pieceCharacters;
    const space = text.lastIndexOf(" ", limit);
    let end = space > limit - pieceCharacters / 10 ? space : limit;
    const unit = text.charCodeAt(end);
    if (unit >= 0xdc00 && unit <= 0xdfff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}
