import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A matrix of random numbers that keeps the size of what it is multiplied with. The same name gives the same one. */
export function randomMatrix(name: string, [rows, columns]: readonly [number, number]): Float32Array {
  let seed = 2166136261;
  for (const unit of Buffer.from(name)) seed = Math.imul(seed ^ unit, 16777619);
  const generator = xoroshiro128plus(seed);
  // Uniform numbers up to √3 have the variance 1.
  const scale = Math.sqrt(3 / rows) / 2 ** 31;
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < values.length; i++) values[i] = generator.next() * scale;
  return values;
}

/** The rows of a matrix as its columns. */
export function transpose(
  values: Float32Array,
  [rows, columns]: readonly [number, number],
): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column] ?? 0;
  }
  return turned;
}
