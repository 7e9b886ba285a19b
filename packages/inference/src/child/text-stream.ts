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
  /** How much of the ids' text was taken, and how many tokens came since. */
  let taken = 0;
  let waiting = 0;
  let pending = "";
  let text = "";
  let stopped = false;

  function release(length: number): void {
    const delta = pending.slice(0, length);
    pending = pending.slice(length);
    text += delta;
    if (delta) emit(delta);
  }

  function take(fresh: string): void {
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

  /** A token's text may depend on its left neighbours: a few are context enough, and decoding stays linear. */
  function forgetOldest(untaken: number): void {
    if (ids.length <= 16) return;
    ids = ids.slice(-8);
    taken = Math.max(0, decode(ids).length - untaken);
  }

  return {
    /** True when a stop string was reached: the text is complete. */
    push(id: number): boolean {
      if (stopped) return true;
      ids.push(id);
      const known = decode(ids);
      // A token may write nothing: the space before a text is left out.
      if (known.length > taken) waiting += 1;
      const whole = withoutPartial(known).length;
      // What is no character after so many tokens never will be one.
      const end = whole <= taken && waiting >= longestCharacterTokens ? known.length : whole;
      if (end > taken) {
        take(known.slice(taken, end));
        taken = end;
        waiting = 0;
      }
      forgetOldest(known.length - taken);
      return stopped;
    },
    /** The whole text; a character that was never completed is left out. */
    end(): string {
      if (!stopped) {
        take(withoutPartial(decode(ids)).slice(taken));
        if (!stopped) release(pending.length);
      }
      return text;
    },
  };
}

/** Bytes that are no character yet are decoded as U+FFFD. */
const withoutPartial = (text: string) => text.replace(/\uFFFD+$/, "");

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
