import type { Pooling } from "../types.ts";

/**
 * Makes one vector of one row of a batch.
 * @param hidden token vectors of the whole batch, row after row
 * @param row which row, of `rowTokens` token vectors each
 * @param tokens how many of the row's tokens are real; the padding is on the right
 */
export function poolRow(
  hidden: Float32Array,
  row: number,
  rowTokens: number,
  tokens: number,
  dimensions: number,
  pooling: Pooling,
): Float32Array {
  const start = row * rowTokens * dimensions;
  if (pooling !== "mean") {
    const at = start + (pooling === "cls" ? 0 : (tokens - 1) * dimensions);
    return hidden.slice(at, at + dimensions);
  }
  const sum = new Float64Array(dimensions);
  for (let token = 0, at = start; token < tokens; token += 1) {
    for (let i = 0; i < dimensions; i += 1, at += 1) sum[i] = (sum[i] ?? 0) + (hidden[at] ?? 0);
  }
  return Float32Array.from(sum, (value) => value / tokens);
}

/** Scales a vector in place to length 1; a vector of zeros stays as it is. */
export function normalize(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const length = Math.sqrt(squares);
  if (length > 0) for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] ?? 0) / length;
  return vector;
}
