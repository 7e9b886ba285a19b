const words =
  "anchor basin cable delta ember fjord gale harbour island jetty keel lantern mooring needle oar pier quay rope sail tide".split(
    " ",
  );

/** Makes sentences of ten words: the same ones for the same seed, everywhere. */
export function randomSentences(seed: number): () => string {
  const next = randomNumbers(seed);
  return () => {
    const text = Array.from({ length: 10 }, () => words[Math.floor(next() * words.length)]).join(" ");
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  };
}

/** mulberry32: a small generator whose numbers are the same everywhere. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A word that is one page's own. */
export function codeOfPage(page: number): string {
  return `${words[page % words.length] ?? ""}${page * 7919}`;
}
