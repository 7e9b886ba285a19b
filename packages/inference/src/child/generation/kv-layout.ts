/** Keys or values of one layer; half precision as its bits, which are only ever copied. */
export type KvData = Float32Array | Uint16Array;

/** One cache of a decoder: where it goes in, where it comes out, and its numbers for each token. */
export interface KvInput {
  input: string;
  output: string;
  type: "float32" | "float16";
  heads: number;
  size: number;
}

/** Keys and values of some rows, for each cache an array `[rows, heads, capacity, size]`. */
export interface KvStore {
  data: readonly KvData[];
  capacity: number;
}

/** Where tokens stand in a store: `count` columns of a row from `at` on. */
export interface KvPlace {
  store: KvStore;
  row: number;
  at: number;
}

export function newStore(inputs: readonly KvInput[], rows: number, capacity: number): KvStore {
  const data = inputs.map(({ type, heads, size }) => {
    const length = rows * heads * capacity * size;
    return type === "float16" ? new Uint16Array(length) : new Float32Array(length);
  });
  return { data, capacity };
}

export function copyTokens(inputs: readonly KvInput[], from: KvPlace, to: KvPlace, count: number): void {
  if (count === 0) return;
  inputs.forEach(({ heads, size }, index) => {
    const source = from.store.data[index];
    const target = to.store.data[index];
    for (let head = 0; head < heads; head += 1) {
      const start = ((from.row * heads + head) * from.store.capacity + from.at) * size;
      const end = ((to.row * heads + head) * to.store.capacity + to.at) * size;
      if (source) target?.set(source.subarray(start, start + count * size), end);
    }
  });
}

export const bytesPerToken = (inputs: readonly KvInput[]) =>
  inputs.reduce((sum, { type, heads, size }) => sum + heads * size * (type === "float16" ? 2 : 4), 0);
