import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { finishStep, type Progress } from "./yield-to-events.ts";

/** Longest piece given to the tokenizer at once: above about 100,000 tokens its array spreads overflow the stack. */
const pieceCharacters = 16_384;

/** Turns texts into token ids, never into control tokens, whatever the text says. */
export interface TextEncoder {
  encode(text: string): Promise<number[]>;
  /** Ids that the tokenizer puts before and after each text. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** An encoder for texts of untrusted origin. Lone surrogates become U+FFFD. */
export function createTextEncoder(tokenizer: PreTrainedTokenizer, progress: Progress): TextEncoder {
  const added = [...tokenizer._tokenizer.get_added_tokens_decoder().values()].filter((token) =>
    token.content.trim(),
  );
  const control =
    added.length > 0
      ? new RegExp(added.map((token) => escapePattern(token.content)).join("|"), "g")
      : undefined;
  const addedIds = new Set(added.map((token) => token.id));
  const unknown = tokenizer.unk_token_id;

  /** Encodes a piece without special tokens. A control token's name is cut after its first character, so it is text. */
  function encodePiece(piece: string): number[] {
    const ids: number[] = [];
    for (const part of splitInside(piece, control)) {
      for (const id of tokenizer.encode(part, { add_special_tokens: false })) {
        if (!addedIds.has(id) || id === unknown) ids.push(id);
        else if (unknown !== undefined) ids.push(unknown);
      }
    }
    return ids;
  }

  async function encode(text: string): Promise<number[]> {
    let ids: number[] = [];
    for (const piece of splitLong(text.toWellFormed())) {
      ids = ids.length === 0 ? encodePiece(piece) : ids.concat(encodePiece(piece));
      if (text.length > pieceCharacters) await finishStep(progress);
    }
    return ids;
  }

  return { encode, ...specialTokensAround(tokenizer) };
}

/** Which ids the tokenizer's post-processor puts around a text. */
function specialTokensAround(tokenizer: PreTrainedTokenizer): { before: number[]; after: number[] } {
  const bare = tokenizer.encode("a", { add_special_tokens: false });
  const whole = tokenizer.encode("a");
  const start = whole.findIndex((_, index) => bare.every((id, offset) => whole[index + offset] === id));
  return { before: whole.slice(0, start), after: whole.slice(start + bare.length) };
}

const escapePattern = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** Splits a text inside each match, after the match's first character. */
function* splitInside(text: string, pattern: RegExp | undefined): Generator<string> {
  let start = 0;
  if (pattern) {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const cut = match.index + ((text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1);
      yield text.slice(start, cut);
      start = cut;
      pattern.lastIndex = cut;
    }
  }
  if (start < text.length) yield text.slice(start);
}

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
