/** The cosine of two vectors of length 1. */
export function similarity(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (!a || !b) return Number.NaN;
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
