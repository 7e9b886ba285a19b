/** What training found: the vectors of words and the weights by which layers 3 and 4 choose the sentence. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HEADS, INNER, MATCH, MIXED, NONE_FLAG, SUMMED, TELLS, WORD } from "./layout.ts";

/** A SwiGLU: rows of `gate` and `up` go out, columns come in. */
export interface Gated {
  gate: Float32Array;
  gateBias: Float32Array;
  up: Float32Array;
  upBias: Float32Array;
  down: Float32Array;
}

export interface Relevance {
  /** tokens × (WORD + TELLS) */
  vectors: Int8Array;
  /** One for each of their columns. */
  scales: Float32Array;
  /** heads × [word, word before] × [word, word before] */
  query: Float32Array;
  sink: Float32Array;
  /** heads × [tells, tells before] × MATCH */
  found: Float32Array;
  mix: Gated;
  judge: Gated;
  straight: Float32Array;
}

/** @throws RangeError when the file is of another layout */
export function readRelevance(tokens: number): Relevance {
  const file = readFileSync(join(import.meta.dirname, "relevance.bin"));
  let at = 0;
  const take = (bytes: number): ArrayBuffer => {
    at += bytes;
    if (at > file.length) throw new RangeError("relevance.bin is shorter than layout.ts says: train again.");
    return new Uint8Array(file.subarray(at - bytes, at)).buffer;
  };
  const floats = (count: number) => new Float32Array(take(count * 4));
  const gated = (inputs: number, outputs: number): Gated => ({
    gate: floats(INNER * inputs),
    gateBias: floats(INNER),
    up: floats(INNER * inputs),
    upBias: floats(INNER),
    down: floats(outputs * INNER),
  });
  const columns = WORD.size + TELLS.size;
  const relevance = {
    scales: floats(columns),
    vectors: new Int8Array(take(tokens * columns)),
    query: floats(HEADS * (2 * WORD.size) ** 2),
    sink: floats(HEADS),
    found: floats(HEADS * 2 * TELLS.size * MATCH.size),
    mix: gated(TELLS.size + MATCH.size + WORD.size, MIXED.size),
    judge: gated(2 * SUMMED + NONE_FLAG, 1),
    straight: floats(2 * SUMMED + NONE_FLAG),
  };
  if (at !== file.length) throw new RangeError("relevance.bin is longer than layout.ts says: train again.");
  return relevance;
}
