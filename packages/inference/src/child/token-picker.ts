import { randomInt } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { InferenceError } from "../inference-error.ts";
import type { SamplingSettings } from "../types.ts";
import { createDraw } from "./draw-token.ts";
import { expOfMinus } from "./exp-of-minus.ts";

export interface TokenProbability {
  token: number;
  /** Natural logarithm of the probability that the model alone gives it: before penalties, bias, grammar and cuts. */
  logProbability: number;
}

export interface PickedToken extends TokenProbability {
  /** The likeliest tokens by the model alone, as many as `logprobs` says, likeliest first. */
  top: TokenProbability[];
}

export interface TokenPicker {
  /**
   * Picks the next token and remembers it for the penalties.
   * @param logits of the whole vocabulary; left as they are
   * @param allowed one bit for each token, lowest first: the others are never picked
   */
  pick(logits: Float32Array, allowed?: Int32Array): PickedToken;
}

/**
 * Picks the tokens of one text by its own settings and its own random numbers, so that it is the same whatever else
 * runs. In vLLM's order: allowed tokens, logit bias, repetition penalty (over prompt and answer, as in transformers),
 * presence and frequency penalty (over the answer, as in OpenAI's API), temperature, min-p, top-k, top-p. Of equal
 * tokens the first is taken. transformers.js' own `generate` samples with temperature and top-k only: its
 * `TopPLogitsWarper` keeps its settings and does nothing, and min-p, presence and frequency penalty are not there.
 */
export function createTokenPicker(settings: SamplingSettings, promptIds: readonly number[]): TokenPicker {
  const { temperature, topP = 1, topK = 0, minP = 0, logprobs = 0 } = settings;
  const generator = xoroshiro128plus(settings.seed ?? randomInt(2 ** 31));
  const draw = temperature > 0 ? createDraw({ temperature, topP, topK, minP }) : undefined;
  const adjust = createAdjustment(settings, promptIds);
  let scratch = new Float32Array(0);

  function pick(logits: Float32Array, allowed?: Int32Array): PickedToken {
    const likeliest = indexOfLargest(logits);
    const top = logits[likeliest] ?? 0;
    const normalizer = top + Math.log(sumOfExp(logits, top));
    const probabilityOf = (token: number) => ({ token, logProbability: (logits[token] ?? 0) - normalizer });

    let token = likeliest;
    if (adjust.isNeeded || allowed) {
      if (scratch.length !== logits.length) scratch = new Float32Array(logits.length);
      scratch.set(logits);
      adjust.apply(scratch);
      if (allowed) forbidOthers(scratch, allowed);
      token = indexOfLargest(scratch);
      if (draw) token = draw(scratch, scratch[token] ?? 0, uniformFloat64(generator));
    } else if (draw) {
      token = draw(logits, top, uniformFloat64(generator));
    }
    adjust.remember(token);
    return { ...probabilityOf(token), top: largest(logits, logprobs).map(probabilityOf) };
  }

  return { pick };
}

/** What changes single tokens' logits: bias and penalties. */
function createAdjustment(settings: SamplingSettings, promptIds: readonly number[]) {
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = settings;
  const bias = Object.entries(settings.logitBias ?? {}).map(([token, value]) => ({
    token: Number(token),
    value,
  }));
  const counts = new Map<number, number>();
  const seen = new Set(repetitionPenalty === 1 ? [] : promptIds);
  const counted = presencePenalty !== 0 || frequencyPenalty !== 0;

  function apply(logits: Float32Array): void {
    for (const { token, value } of bias) {
      if (token >= logits.length) throw noSuchToken(token, logits.length);
      logits[token] = (logits[token] ?? 0) + value;
    }
    for (const token of seen) {
      const logit = logits[token] ?? 0;
      logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
    if (counted)
      for (const [token, count] of counts)
        logits[token] = (logits[token] ?? 0) - presencePenalty - count * frequencyPenalty;
  }

  return {
    isNeeded: bias.length > 0 || repetitionPenalty !== 1 || counted,
    apply,
    remember(token: number): void {
      if (repetitionPenalty !== 1) seen.add(token);
      if (counted) counts.set(token, (counts.get(token) ?? 0) + 1);
    },
  };
}

const noSuchToken = (token: number, size: number) =>
  new InferenceError(
    "invalid_input",
    `logitBias names token ${token}, but this model's tokens are 0 to ${size - 1}.`,
  );

function forbidOthers(logits: Float32Array, allowed: Int32Array): void {
  for (let token = 0; token < logits.length; token += 1) {
    if ((((allowed[token >> 5] ?? 0) >>> (token & 31)) & 1) === 0) logits[token] = Number.NEGATIVE_INFINITY;
  }
}

/** @throws InferenceError `model_crashed` when no logit is a number: a model that overflows would repeat token 0 */
function indexOfLargest(logits: Float32Array): number {
  let index = -1;
  let largest = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? 0;
    if (logit > largest) {
      largest = logit;
      index = token;
    }
  }
  if (!Number.isFinite(largest))
    throw new InferenceError(
      "model_crashed",
      "No token can follow: the model's logits are no numbers. Where half precision overflows, another dtype may do, such as fp32 or q4.",
    );
  return index;
}

function sumOfExp(logits: Float32Array, top: number): number {
  let total = 0;
  for (let token = 0; token < logits.length; token += 1) total += expOfMinus(top - (logits[token] ?? 0));
  return total;
}

/** The tokens of the largest logits, largest first. */
function largest(logits: Float32Array, count: number): number[] {
  const found: number[] = [];
  if (count === 0) return found;
  let least = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] ?? 0;
    if (found.length === count && !(logit > least)) continue;
    const place = found.findIndex((other) => logit > (logits[other] ?? 0));
    found.splice(place < 0 ? found.length : place, 0, token);
    if (found.length > count) found.pop();
    least = logits[found.at(-1) ?? 0] ?? 0;
  }
  return found;
}
