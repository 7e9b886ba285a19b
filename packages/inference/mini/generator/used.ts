/** What of an attention's matrices is not zero: the graph computes nothing else. */
import type { Attention } from "./circuit.ts";
import { HALF_HEAD, HEAD_SIZE, HIDDEN_SIZE } from "./layout.ts";

/** The dimensions by which queries and keys are compared: both halves of each pair that RoPE turns together. */
export function comparedDimensions({ key }: Attention): number[] {
  const pairs = new Set<number>();
  key.forEach((weight, i) => {
    if (weight !== 0) pairs.add((i % HEAD_SIZE) % HALF_HEAD);
  });
  const sorted = [...pairs].sort((a, b) => a - b);
  return [...sorted, ...sorted.map((pair) => pair + HALF_HEAD)];
}

/** The queries' matrix with these dimensions of each head only. */
export function queryColumns({ query, heads }: Attention, dimensions: readonly number[]): Float32Array {
  const columns = Array.from({ length: heads }, (_, head) =>
    dimensions.map((dimension) => head * HEAD_SIZE + dimension),
  ).flat();
  const matrix = new Float32Array(HIDDEN_SIZE * columns.length);
  for (let row = 0; row < HIDDEN_SIZE; row++) {
    columns.forEach((column, i) => {
      matrix[row * columns.length + i] = query[row * heads * HEAD_SIZE + column] ?? Number.NaN;
    });
  }
  return matrix;
}

/** How many of the value's numbers each head passes on, and the output's rows that take them. */
export function outputRows({ output, heads }: Attention): { widths: number[]; matrix: Float32Array } {
  const headRows = HEAD_SIZE * HIDDEN_SIZE;
  const parts = Array.from({ length: heads }, (_, head) => {
    const rows = output.subarray(head * headRows, (head + 1) * headRows);
    const width = 1 + Math.floor(rows.findLastIndex((weight) => weight !== 0) / HIDDEN_SIZE);
    return { width, rows: rows.subarray(0, width * HIDDEN_SIZE) };
  });
  return {
    widths: parts.map(({ width }) => width),
    matrix: Float32Array.from(parts.flatMap(({ rows }) => [...rows])),
  };
}
