/** Where things are: the shape of the model and the named parts of its residual stream and of its heads. */

export const HIDDEN_SIZE = 544;
export const HEAD_SIZE = 128;
export const HALF_HEAD = HEAD_SIZE / 2;
export const LAYERS = 5;
export const CONTEXT = 4096;
export const RMS_EPSILON = 1e-6;

/** So large that RoPE turns the first pairs of a head only; the other pairs carry content. */
export const ROPE_THETA = 1e30;
/** Pairs 0 to 7 tell near tokens apart, pair 8 turns by 0.7 rad over the whole context. */
export const NEAR_PAIRS = 8;
export const SLOW_PAIR = 8;
const FIRST_CONTENT_PAIR = 11;
export const frequency = (pair: number) => ROPE_THETA ** (-pair / HALF_HEAD);

/** How many numbers of a token's code are compared 1, 2, … 8 tokens back. */
export const BACK_SIZES: readonly number[] = [22, 12, 10, 10, 8, 6, 6, 4];
export const SENTENCE_CODE = 24;
export const TOKEN_CODE = 64;
/** Of a word's vector: where it starts from a code of its letters, and how it looks. */
export const WORD_CODE = 44;
const LOOKS = 8;

/** Trained, as relevance.py has them: heads that look for words of the question, and units of each MLP. */
export const HEADS = 6;
export const INNER = 64;
/** Words that a mean counts besides. */
export const PADDING = 200;
/** Whether it is the sentence that says "none". */
export const NONE_FLAG = 1;

/** A run of dimensions. */
export interface Span {
  start: number;
  size: number;
}

/** Hands out spans one after the other. */
function allocator(limit: number, used = 0): (size?: number) => Span {
  let next = used;
  return (size = 1) => {
    const span = { start: next, size };
    next += size;
    if (next > limit) throw new RangeError(`only ${limit} dimensions`);
    return span;
  };
}

const residual = allocator(HIDDEN_SIZE);

/** The residual stream. The first block is the token's embedding, the rest is zero until a layer writes it. */
export const CONSTANT = residual();
export const TOKEN = residual(TOKEN_CODE);
export const WORD = residual(WORD_CODE + LOOKS);
/** What a token of the question tells to where it is found. */
export const TELLS = residual(12);
export const IS_BOS = residual();
/** Begins a stretch of text: the question, a sentence, the answer. */
export const IS_OPENING = residual();
export const IS_QUESTION = residual();
export const IS_END = residual();
export const IS_ANSWER = residual();
/** Begins the sentence that says that nothing answers. */
export const IS_NONE = residual();
export const EMBEDDED = IS_NONE.start + 1;
/** Codes of the tokens before in the same stretch, nearest first. */
export const BACK: readonly Span[] = BACK_SIZES.map((size) => residual(size));
export const WORD_BEFORE = residual(WORD.size);
export const TELLS_BEFORE = residual(TELLS.size);
/** The code of the stretch that the token is in. */
export const STRETCH = residual(SENTENCE_CODE);
export const IN_QUESTION = residual();
export const IN_NONE = residual();
export const IN_ANSWER = residual();
/** What the token found in the question. */
export const MATCH = residual(24);
export const MIXED = residual(12);
/** Means of TELLS, MATCH and MIXED: of the sentence so far, and of the question. */
export const SUMMED = TELLS.size + MATCH.size + MIXED.size;
export const OWN_MEAN = residual(SUMMED);
export const QUESTION_MEAN = residual(SUMMED);
/** How well the sentence answers. */
export const SCORE = residual();
/** What the last layer says: the token copied, or the sentence picked. */
export const COPIED = residual(TOKEN_CODE);
export const PICKED = residual(SENTENCE_CODE);

/** Dimensions of a head that RoPE leaves alone: both halves of the late pairs, steadiest first. */
export function steadyDimensions(): (size?: number) => readonly number[] {
  let taken = 0;
  return (size = 1) =>
    Array.from({ length: size }, () => {
      const pair = HALF_HEAD - 1 - (taken >> 1);
      if (pair < FIRST_CONTENT_PAIR) throw new RangeError("a head has no more steady dimensions");
      return pair + (taken++ % 2) * HALF_HEAD;
    });
}
