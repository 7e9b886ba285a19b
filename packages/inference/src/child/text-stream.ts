type Decode = (ids: number[]) => string;

/** A character of UTF-8 has at most four bytes, so at most four tokens hold back their text. */
const longestCharacterTokens = 4;

/**
 * Turns a stream of token ids into text of whole characters, and ends before the first stop string.
 * What might be the start of a stop string is held back until it is known not to be.
 */
export function createTextStream(decode: Decode, stops: readonly string[], emit: (delta: string) => void) {
  const stopStrings = stops.map((stop) => stop.toWellFormed()).filter((stop) => stop.length > 0);
  let ids: number[] = [];
  /** Tokens of `ids` whose text is already in `pending` or emitted. */
  let shown = 0;
  let pending = "";
  let text = "";
  let stopped = false;

  function release(length: number): void {
    const delta = pending.slice(0, length);
    pending = pending.slice(length);
    text += delta;
    if (delta) emit(delta);
  }

  /** The new ids' text, decoded with the ids before them: a token's text may depend on its left neighbour. */
  function decodeNew(): string {
    return decode(ids).slice(shown > 0 ? decode(ids.slice(0, shown)).length : 0);
  }

  function take(fresh: string): void {
    shown = ids.length;
    // A short tail is context enough, and decoding stays linear.
    if (ids.length > 16) {
      ids = ids.slice(-8);
      shown = ids.length;
    }
    pending += fresh;
    const found = firstOf(pending, stopStrings);
    if (found === undefined) {
      release(pending.length - heldBack(pending, stopStrings));
      return;
    }
    release(found);
    pending = "";
    stopped = true;
  }

  return {
    /** True when a stop string was reached: the text is complete. */
    push(id: number): boolean {
      if (stopped) return true;
      ids.push(id);
      const fresh = decodeNew();
      const incomplete = fresh.endsWith("\uFFFD") && ids.length - shown < longestCharacterTokens;
      if (!incomplete) take(fresh);
      return stopped;
    },
    /** The whole text; a character that was never completed is left out. */
    end(): string {
      if (!stopped) {
        if (shown < ids.length) take(decodeNew().replace(/\uFFFD+$/, ""));
        if (!stopped) release(pending.length);
      }
      return text;
    },
  };
}

/** Where the first stop string begins. */
function firstOf(text: string, stops: readonly string[]): number | undefined {
  const found = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return found.length > 0 ? Math.min(...found) : undefined;
}

/** How many characters at the end of the text could begin a stop string. */
function heldBack(text: string, stops: readonly string[]): number {
  let held = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > held; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) held = length;
    }
  }
  return held;
}
