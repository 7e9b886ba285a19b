/**
 * The weights of the attention. Layer 1 notes which stretch of text a token is in, layer 2 which tokens stand before it there;
 * layer 3 looks for its word in the question and layer 4 sums that up, both by trained weights; layer 5 picks the best sentence and copies it.
 */
import {
  BACK,
  BACK_SIZES,
  CONSTANT,
  COPIED,
  frequency,
  HALF_HEAD,
  HEAD_SIZE,
  HEADS,
  HIDDEN_SIZE,
  IN_ANSWER,
  IN_NONE,
  IN_QUESTION,
  IS_ANSWER,
  IS_BOS,
  IS_END,
  IS_NONE,
  IS_OPENING,
  IS_QUESTION,
  MATCH,
  MIXED,
  NEAR_PAIRS,
  OWN_MEAN,
  PADDING,
  PICKED,
  QUESTION_MEAN,
  SCORE,
  SENTENCE_CODE,
  SLOW_PAIR,
  type Span,
  STRETCH,
  SUMMED,
  steadyDimensions,
  TELLS,
  TELLS_BEFORE,
  TOKEN,
  TOKEN_CODE,
  WORD,
  WORD_BEFORE,
} from "./layout.ts";
import { judgeSentences, type Mlp, mixMatches } from "./mlp.ts";
import type { Relevance } from "./relevance.ts";

/** One layer's attention: row-major matrices, one key-value head for all query heads. */
export interface Attention {
  heads: number;
  /** Whether its weights are trained, and not of few values. */
  trained: boolean;
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

  constructor(heads: number, trained = false) {
    this.heads = heads;
    this.#attention = {
      heads,
      trained,
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

  /** Adds a matrix, row by row, from parts of the stream to dimensions of the head. */
  queryMatrix(head: number, from: Dimensions, to: Dimensions, values: Float32Array): void {
    values.forEach((value, i) => {
      const row = from[Math.floor(i / to.length)] ?? Number.NaN;
      this.#attention.query[
        row * this.heads * HEAD_SIZE + head * HEAD_SIZE + (to[i % to.length] ?? Number.NaN)
      ] = value;
    });
  }

  outputMatrix(head: number, from: Dimensions, to: Span, values: Float32Array): void {
    values.forEach((value, i) => {
      const row = head * HEAD_SIZE + (from[Math.floor(i / to.size)] ?? Number.NaN);
      this.#attention.output[row * HIDDEN_SIZE + to.start + (i % to.size)] = value;
    });
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
  const [question, begun, none] = [[SENTENCE_CODE], [SENTENCE_CODE + 1], [SENTENCE_CODE + 2]];
  layer.value(part(TOKEN, SENTENCE_CODE), code);
  layer.value(IS_QUESTION, question);
  layer.value(IS_ANSWER, begun);
  layer.value(IS_NONE, none);

  layer.query(0, CONSTANT, opening, 60_000);
  // It opens nothing, and so near to the question that the wave alone would let a thousandth of it in.
  layer.query(0, CONSTANT, bos, -60_000);
  layer.wave(0, CONSTANT, SLOW_PAIR, { by: 40_000, phase: NEAREST });
  layer.output(0, code, STRETCH);
  layer.output(0, question, IN_QUESTION);
  layer.output(0, none, IN_NONE);

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
  const word = range(token.length, WORD.size);
  const tells = range(token.length + WORD.size, TELLS.size);
  layer.value(part(TOKEN, token.length), token);
  layer.value(WORD, word);
  layer.value(TELLS, tells);

  const [perPair, sameStretch] = [120, 150];
  BACK.forEach((span, head) => {
    for (const pair of near) layer.wave(head, CONSTANT, pair, { by: perPair, peak: head + 1 });
    layer.query(head, STRETCH, stretch, sameStretch / SENTENCE_CODE);
    layer.query(head, IN_ANSWER, prompt, -2 * sameStretch);
    layer.query(head, CONSTANT, bos, perPair * NEAR_PAIRS + sameStretch * 0.75);
    layer.output(head, token, span);
  });
  layer.output(0, word, WORD_BEFORE);
  layer.output(0, tells, TELLS_BEFORE);
  return layer.build();
}

/** More than the trained part of any score. */
const ONLY = 2000;

/** Each head looks for something in the question's words; where it finds nothing it looks at the first token, which tells nothing. */
function matchWords({ query, sink, found }: Relevance): Attention {
  const layer = new LayerBuilder(HEADS, true);
  const steady = steadyDimensions();
  const [bos, question, word, before] = [steady(), steady(), steady(WORD.size), steady(WORD.size)];
  layer.key(IS_BOS, bos);
  layer.key(IN_QUESTION, question);
  layer.key(IS_QUESTION, question, -1);
  layer.key(WORD, word);
  layer.key(WORD_BEFORE, before);
  const tells = range(0, TELLS.size);
  const tellsBefore = range(TELLS.size, TELLS.size);
  layer.value(TELLS, tells);
  layer.value(TELLS_BEFORE, tellsBefore);
  const pair = [...range(WORD.start, WORD.size), ...range(WORD_BEFORE.start, WORD.size)];
  for (let head = 0; head < HEADS; head++) {
    const one = <T extends { length: number; subarray(from: number, to: number): T }>(all: T): T =>
      all.subarray((head * all.length) / HEADS, ((head + 1) * all.length) / HEADS);
    layer.query(head, CONSTANT, question, ONLY);
    layer.query(head, CONSTANT, bos, ONLY + (sink[head] ?? 0));
    layer.queryMatrix(head, pair, [...word, ...before], one(query));
    layer.outputMatrix(head, [...tells, ...tellsBefore], MATCH, one(found));
  }
  return layer.build();
}

/** Means over the sentence's words (head 0) and the question's (head 1), and so many more that they are nearly sums. */
function scoreSentences(): Attention {
  const layer = new LayerBuilder(2);
  const steady = steadyDimensions();
  const [bos, question, special, stretch] = [steady(), steady(), steady(), steady(SENTENCE_CODE)];
  layer.key(IS_BOS, bos);
  layer.key(IN_QUESTION, question);
  layer.key(IS_QUESTION, question, -1);
  layer.key(IS_OPENING, special);
  layer.key(IS_END, special);
  layer.key(STRETCH, stretch);
  const summed = [TELLS, MATCH, MIXED];
  let at = 0;
  for (const span of summed) {
    layer.value(span, range(at, span.size));
    at += span.size;
  }
  const sharpness = 120;
  // The opening and the end of a sentence count among its words.
  layer.query(0, CONSTANT, bos, 2 * sharpness + Math.log(PADDING + 2));
  layer.query(0, STRETCH, stretch, sharpness / SENTENCE_CODE);
  layer.query(0, CONSTANT, special, -sharpness);
  layer.output(0, range(0, SUMMED), OWN_MEAN);
  layer.query(1, CONSTANT, bos, sharpness + Math.log(PADDING + 1));
  layer.query(1, CONSTANT, question, sharpness);
  layer.output(1, range(0, SUMMED), QUESTION_MEAN);
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
  layer.query(1, CONSTANT, bos, 60_000);
  layer.query(1, IS_ANSWER, end, 120_000);
  layer.query(1, IS_ANSWER, score, 300);
  layer.wave(1, IS_ANSWER, SLOW_PAIR, { by: 12, phase: FARTHEST });
  layer.output(1, sentence, PICKED);
  return layer.build();
}

export interface Layer {
  attention: Attention;
  mlp?: Mlp;
}

export const buildLayers = (relevance: Relevance): Layer[] => [
  { attention: findStretch() },
  { attention: lookBack() },
  { attention: matchWords(relevance), mlp: mixMatches(relevance) },
  { attention: scoreSentences(), mlp: judgeSentences(relevance) },
  { attention: pickAndCopy() },
];
