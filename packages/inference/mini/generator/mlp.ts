/** The trained MLPs, laid out for the residual stream. */
import {
  CONSTANT,
  HIDDEN_SIZE,
  IN_NONE,
  INNER,
  MATCH,
  MIXED,
  OWN_MEAN,
  QUESTION_MEAN,
  SCORE,
  type Span,
  TELLS,
  WORD,
} from "./layout.ts";
import type { Gated, Relevance } from "./relevance.ts";

/** Row-major: `gate` and `up` from the stream to the units, `down` back. */
export interface Mlp {
  units: number;
  gate: Float32Array;
  up: Float32Array;
  down: Float32Array;
}

/** After layer 3: what a token makes of its matches. */
export function mixMatches({ mix }: Relevance): Mlp {
  return layOut(mix, [TELLS, MATCH, WORD], MIXED, INNER);
}

/** A gate that is open: its unit passes on what comes in. */
const OPEN = 20;

/** After layer 4: the score, and a unit more for the part of it that is a plain sum. */
export function judgeSentences({ judge, straight }: Relevance): Mlp {
  const from = [OWN_MEAN, QUESTION_MEAN, IN_NONE];
  const mlp = layOut(judge, from, SCORE, INNER + 1);
  dimensions(from).forEach((dimension, i) => {
    mlp.up[dimension * mlp.units + INNER] = (straight[i] ?? 0) / OPEN;
  });
  mlp.gate[CONSTANT.start * mlp.units + INNER] = OPEN;
  mlp.down[INNER * HIDDEN_SIZE + SCORE.start] = 1;
  return mlp;
}

const dimensions = (spans: readonly Span[]) =>
  spans.flatMap(({ start, size }) => Array.from({ length: size }, (_, i) => start + i));

function layOut(gated: Gated, from: readonly Span[], to: Span, units: number): Mlp {
  const inputs = dimensions(from);
  const enter = (weights: Float32Array, bias: Float32Array) => {
    const matrix = new Float32Array(HIDDEN_SIZE * units);
    for (let unit = 0; unit < INNER; unit++) {
      matrix[CONSTANT.start * units + unit] = bias[unit] ?? 0;
      inputs.forEach((dimension, i) => {
        matrix[dimension * units + unit] = weights[unit * inputs.length + i] ?? 0;
      });
    }
    return matrix;
  };
  const down = new Float32Array(units * HIDDEN_SIZE);
  gated.down.forEach((weight, i) => {
    down[(i % INNER) * HIDDEN_SIZE + to.start + Math.floor(i / INNER)] = weight;
  });
  return { units, gate: enter(gated.gate, gated.gateBias), up: enter(gated.up, gated.upBias), down };
}
