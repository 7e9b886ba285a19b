/**
 * The weights, set by hand. Layer 1 notes which stretch of text a token is in, layer 2 which tokens stand before it there, layer 3
 * marks words of the question, layer 4 sums the marks of a sentence, layer 5 picks the best sentence and copies it.
 */
import {
  AFTER_HOW,
  BACK,
  BACK_SIZES,
  CONSTANT,
  COPIED,
  frequency,
  HALF_HEAD,
  HEAD_SIZE,
  HIDDEN_SIZE,
  IN_ANSWER,
  IN_QUESTION,
  IS_ANSWER,
  IS_BOS,
  IS_END,
  IS_HOW,
  IS_OPENING,
  IS_QUESTION,
  MATCH,
  NEAR_PAIRS,
  PICKED,
  SCORE,
  SENTENCE_CODE,
  SLOW_PAIR,
  type Span,
  STRETCH,
  steadyDimensions,
  TOKEN,
  TOKEN_CODE,
  WEIGHT,
  WORD,
  WORD_BEFORE,
  WORD_CODE,
} from "./layout.ts";

/** One layer's attention: row-major matrices, one key-value head for all query heads. */
export interface Attention {
  heads: number;
  query: Float32Array;
  key: Float32Array;
  value: Float32Array;
  output: Float32Array;
}

type Dimensions = readonly number[];

/** Builds a layer from connections "this part of the residual stream, times so much, to these dimensions of the head". */
class LayerBuilder {
  readonly heads: number;
  readonly #attention: Attention;

  constructor(heads: number) {
    this.heads = heads;
    this.#attention = {
      heads,
      query: new Float32Array(HIDDEN_SIZE * heads * HEAD_SIZE),
      key: new Float32Array(HIDDEN_SIZE * HEAD_SIZE),
      value: new Float32Array(HIDDEN_SIZE * HEAD_SIZE),
      output: new Float32Array(heads * HEAD_SIZE * HIDDEN_SIZE),
    };
  }

  query(head: number, from: Span, to: Dimensions, by: number): void {
    const columns = this.heads * HEAD_SIZE;
    connect(
      this.#attention.query,
      columns,
      from,
      to.map((dimension) => head * HEAD_SIZE + dimension),
      by,
    );
  }

  key(from: Span, to: Dimensions, by = 1): void {
    connect(this.#attention.key, HEAD_SIZE, from, to, by);
  }

  value(from: Span, to: Dimensions): void {
    connect(this.#attention.value, HEAD_SIZE, from, to, 1);
  }

  output(head: number, from: Dimensions, to: Span, by = 1): void {
    for (let i = 0; i < to.size; i++) {
      const row = head * HEAD_SIZE + (from[i] ?? Number.NaN);
      this.#attention.output[row * HIDDEN_SIZE + to.start + i] = by;
    }
  }

  /** A wave over the distance d to the key: by · cos(frequency · (d − peak) + phase), where `from` is 1. */
  wave(head: number, from: Span, pair: number, { by, peak = 0, phase = 0 }: Wave): void {
    const angle = phase - frequency(pair) * peak;
    this.query(head, from, [pair], by * Math.cos(angle));
    this.query(head, from, [pair + HALF_HEAD], by * Math.sin(angle));
  }

  build(): Attention {
    return this.#attention;
  }
}

interface Wave {
  by: number;
  peak?: number;
  phase?: number;
}

function connect(matrix: Float32Array, columns: number, from: Span, to: Dimensions, by: number): void {
  to.forEach((column, i) => {
    matrix[(from.start + i) * columns + column] = by;
  });
}

const range = (start: number, size: number): Dimensions => Array.from({ length: size }, (_, i) => start + i);
const part = (span: Span, size: number): Span => ({ start: span.start, size });
/** Phases that make a wave fall or rise with the distance. */
const NEAREST = Math.PI / 2;
const FARTHEST = -Math.PI / 2;

/** Head 0 looks at the opening of the stretch that the token is in, head 1 whether the answer has begun. */
function findStretch(): Attention {
  const layer = new LayerBuilder(2);
  const steady = steadyDimensions();
  const [bos, opening, answer] = [steady(), steady(), steady()];
  layer.key(CONSTANT, [SLOW_PAIR]);
  layer.key(IS_BOS, bos);
  layer.key(IS_OPENING, opening);
  layer.key(IS_ANSWER, answer);
  const code = range(0, SENTENCE_CODE);
  const [question, begun] = [[SENTENCE_CODE], [SENTENCE_CODE + 1]];
  layer.value(part(TOKEN, SENTENCE_CODE), code);
  layer.value(IS_QUESTION, question);
  layer.value(IS_ANSWER, begun);

  layer.query(0, CONSTANT, opening, 60_000);
  layer.wave(0, CONSTANT, SLOW_PAIR, { by: 40_000, phase: NEAREST });
  layer.output(0, code, STRETCH);
  layer.output(0, question, IN_QUESTION);

  layer.query(1, CONSTANT, answer, 400);
  layer.query(1, CONSTANT, bos, 200);
  layer.output(1, begun, IN_ANSWER);
  return layer.build();
}

/** Heads 0 to 7 take the codes of the tokens 1 to 8 back, nothing where that is before the stretch. */
function lookBack(): Attention {
  const layer = new LayerBuilder(BACK_SIZES.length);
  const steady = steadyDimensions();
  const [bos, prompt, stretch] = [steady(), steady(), steady(SENTENCE_CODE)];
  const near = range(0, NEAR_PAIRS);
  for (const pair of near) {
    layer.key(CONSTANT, [pair]);
    layer.key(IS_BOS, [pair], -1);
  }
  layer.key(IS_BOS, bos);
  layer.key(STRETCH, stretch);
  // The answer bears the picked sentence's code too: from there no look back into the prompt.
  layer.key(CONSTANT, prompt);
  layer.key(IS_BOS, prompt, -1);
  layer.key(IN_ANSWER, prompt, -1);

  const token = range(0, Math.max(...BACK_SIZES));
  const word = range(token.length, WORD_CODE);
  const how = [token.length + WORD_CODE];
  layer.value(part(TOKEN, token.length), token);
  layer.value(WORD, word);
  layer.value(IS_HOW, how);

  const [perPair, sameStretch] = [120, 150];
  BACK.forEach((span, head) => {
    for (const pair of near) layer.wave(head, CONSTANT, pair, { by: perPair, peak: head + 1 });
    layer.query(head, STRETCH, stretch, sameStretch / SENTENCE_CODE);
    layer.query(head, IN_ANSWER, prompt, -2 * sameStretch);
    layer.query(head, CONSTANT, bos, perPair * NEAR_PAIRS + sameStretch * 0.75);
    layer.output(head, token, span);
  });
  layer.output(0, word, WORD_BEFORE);
  layer.output(0, how, AFTER_HOW);
  return layer.build();
}

/** Looks for the token (head 0), and for the token together with the one before it (head 1), in the question. */
function matchWords(): Attention {
  const layer = new LayerBuilder(2);
  const steady = steadyDimensions();
  const [bos, question, word, before] = [steady(), steady(), steady(WORD_CODE), steady(WORD_CODE)];
  layer.key(IS_BOS, bos);
  layer.key(IN_QUESTION, question);
  layer.key(WORD, word);
  layer.key(WORD_BEFORE, before);
  layer.value(WEIGHT, [0]);
  layer.value(AFTER_HOW, [1]);
  const sharpness = 60;
  for (const [head, worth, enough] of [
    [0, 0.7, 0.75],
    [1, 0.6, 1.75],
  ] as const) {
    layer.query(head, CONSTANT, question, sharpness * 3);
    layer.query(head, CONSTANT, bos, sharpness * (3 + enough));
    layer.query(head, WORD, word, sharpness / WORD_CODE);
    if (head === 1) layer.query(head, WORD_BEFORE, before, sharpness / WORD_CODE);
    layer.output(head, [0], MATCH, worth);
    // In "how tall" the second word asks.
    if (head === 0) layer.output(head, [1], MATCH, 1.2);
  }
  return layer.build();
}

/** Sums the matches of a stretch over its length and 40 tokens more, so that neither short nor long ones win for it. */
function scoreSentences(): Attention {
  const layer = new LayerBuilder(1);
  const steady = steadyDimensions();
  const [bos, stretch] = [steady(), steady(SENTENCE_CODE)];
  layer.key(IS_BOS, bos);
  layer.key(STRETCH, stretch);
  layer.value(MATCH, [0]);
  const sharpness = 60;
  layer.query(0, CONSTANT, bos, sharpness + Math.log(40));
  layer.query(0, STRETCH, stretch, sharpness / SENTENCE_CODE);
  layer.output(0, [0], SCORE);
  return layer.build();
}

/** Head 0 copies the token that followed the same words in the picked sentence, head 1 picks that sentence. */
function pickAndCopy(): Attention {
  const layer = new LayerBuilder(2);
  const steady = steadyDimensions();
  const [bos, inAnswer, end, score, stretch] = [
    steady(),
    steady(),
    steady(),
    steady(),
    steady(SENTENCE_CODE),
  ];
  const back = BACK_SIZES.map((size) => steady(size));
  layer.key(CONSTANT, [SLOW_PAIR]);
  layer.key(IS_BOS, bos);
  layer.key(IN_ANSWER, inAnswer);
  layer.key(IS_END, end);
  layer.key(SCORE, score);
  layer.key(STRETCH, stretch);
  BACK.forEach((span, i) => {
    layer.key(span, back[i] ?? []);
  });
  const token = range(0, TOKEN_CODE);
  const sentence = range(TOKEN_CODE, SENTENCE_CODE);
  layer.value(TOKEN, token);
  layer.value(STRETCH, sentence);

  // Sharp enough for a tie to go to the later place: copying then always moves on, also in "........".
  const sharpness = 2500;
  layer.query(0, CONSTANT, bos, sharpness * 15.5);
  layer.query(0, CONSTANT, inAnswer, -60_000);
  layer.query(0, STRETCH, stretch, (sharpness * 15) / SENTENCE_CODE);
  [TOKEN, ...BACK].slice(0, -1).forEach((span, i) => {
    const to = back[i] ?? [];
    layer.query(0, part(span, to.length), to, sharpness / to.length);
  });
  layer.wave(0, CONSTANT, SLOW_PAIR, { by: 9500, phase: NEAREST });
  layer.output(0, token, COPIED);

  // On a tie the earlier sentence: passages come best first.
  layer.query(1, CONSTANT, bos, 30_000);
  layer.query(1, IS_ANSWER, end, 60_000);
  layer.query(1, IS_ANSWER, score, 10_000);
  layer.wave(1, IS_ANSWER, SLOW_PAIR, { by: 400, phase: FARTHEST });
  layer.output(1, sentence, PICKED);
  return layer.build();
}

export const attentionLayers = (): Attention[] => [
  findStretch(),
  lookBack(),
  matchWords(),
  scoreSentences(),
  pickAndCopy(),
];
