import type { Expression, Expressions } from "./expression.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** One bit for each token, lowest first: those that may come next. */
export type TokenMask = Int32Array;

/** Masks of one grammar that are kept: where a text is most of the time, such as inside a string, comes again. */
const mostMasks = 64;

interface KnownMask {
  mask: TokenMask;
  /** The mask allows what needs up to so many more tokens to be completed. */
  mostLeft: number;
}

/** Tells which tokens may come at a place of a grammar. */
export function createTokenMasks(
  expressions: Expressions,
  vocabulary: Vocabulary,
  endIds: ReadonlySet<number>,
) {
  const { never, afterByte, canEnd, leastBytes, withoutBound } = expressions;
  const known = new Map<Expression, KnownMask>();
  const places: Expression[] = [];
  const { ids, bytes, shared, size } = vocabulary;
  const longest = bytes.reduce((most, token) => Math.max(most, token.length), 0);

  /**
   * Every byte is a token, so that what needs so many bytes can be completed in so many tokens.
   * @param same a mask that is right for tokens of up to so many bytes
   */
  function walk(place: Expression, left: number, same?: KnownMask & { bytes: number }): KnownMask {
    const mask = same ? same.mask.slice() : new Int32Array(Math.ceil(size / 32));
    let mostLeft = same?.mostLeft ?? 0;
    /** Of this token's bytes, so many were followed before, and a beginning of so many may not come. */
    let followed = 0;
    let dead = Number.POSITIVE_INFINITY;
    places[0] = place;
    for (let index = 0; index < ids.length; index += 1) {
      const common = shared[index] ?? 0;
      const token = bytes[index] ?? [];
      const id = ids[index] ?? 0;
      followed = Math.min(followed, common);
      if (common < dead) dead = Number.POSITIVE_INFINITY;
      if (same && token.length <= same.bytes) continue;
      forbid(mask, id);
      if (common >= dead) continue;
      let at = places[followed] ?? never;
      while (followed < token.length) {
        at = afterByte(at, token[followed] ?? 0);
        if (at === never) break;
        followed += 1;
        places[followed] = at;
      }
      if (at === never) {
        dead = followed + 1;
        continue;
      }
      const needed = leastBytes(at);
      mostLeft = Math.max(mostLeft, needed);
      if (needed <= left) allow(mask, id);
    }
    if (canEnd(place)) for (const id of endIds) allow(mask, id);
    return { mask, mostLeft };
  }

  /** @param left tokens that may come after the next one */
  function maskAt(place: Expression, left: number): TokenMask {
    return find(place, left).mask;
  }

  function find(place: Expression, left: number): KnownMask {
    const found = known.get(place);
    if (found && found.mostLeft <= left) return found;
    // A bound matters to tokens of more bytes only: without this, each character of a bounded string were a new place.
    const bounded = withoutBound(place);
    if (bounded) {
      const same = find(bounded.open, left);
      return bounded.most >= longest ? same : walk(place, left, { ...same, bytes: bounded.most });
    }
    const made = walk(place, left);
    // Near the end of the budget masks are made for their number of tokens.
    if (made.mostLeft <= left) remember(place, made);
    return made;
  }

  function remember(place: Expression, made: KnownMask): void {
    const [oldest] = known.keys();
    if (known.size >= mostMasks && oldest) known.delete(oldest);
    known.set(place, made);
  }

  return { maskAt, forget: () => known.clear() };
}

function allow(mask: TokenMask, id: number): void {
  mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id & 31));
}

function forbid(mask: TokenMask, id: number): void {
  mask[id >> 5] = (mask[id >> 5] ?? 0) & ~(1 << (id & 31));
}
