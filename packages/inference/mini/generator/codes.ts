/** Seeded ±1 codes: random directions that stand for tokens, words and sentences. */

/** Mulberry32: numbers in [0, 1) from a 32-bit seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomCode(random: () => number, size: number): Int8Array {
  return Int8Array.from({ length: size }, () => (random() < 0.5 ? -1 : 1));
}

/** One bit for each number: thousands of codes are compared, each with all before it. */
function pack(code: Int8Array): Uint32Array {
  const bits = new Uint32Array(Math.ceil(code.length / 32));
  code.forEach((value, i) => {
    if (value > 0) bits[i >> 5] = (bits[i >> 5] ?? 0) | (1 << (i & 31));
  });
  return bits;
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function differences(a: Uint32Array, b: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += countBits((a[i] ?? 0) ^ (b[i] ?? 0));
  return sum;
}

/** Codes of which no two overlap by more than `limit`. */
export function separatedCodes(
  random: () => number,
  { count, size, limit }: { count: number; size: number; limit: number },
): Int8Array[] {
  const codes: Int8Array[] = [];
  const packed: Uint32Array[] = [];
  while (codes.length < count) {
    const candidate = randomCode(random, size);
    const bits = pack(candidate);
    if (packed.some((other) => size - 2 * differences(other, bits) > limit)) continue;
    codes.push(candidate);
    packed.push(bits);
  }
  return codes;
}

/** A code that depends on the text alone (FNV-1a as the seed). */
export function codeOf(text: string, size: number): Int8Array {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return randomCode(seededRandom(hash), size);
}
