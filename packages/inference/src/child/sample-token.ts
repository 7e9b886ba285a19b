/** How the next token is picked from the model's logits. */
export interface Sampling {
  /** 0 always takes the likeliest token. */
  temperature: number;
  topP: number;
  topK: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

export interface SampledToken {
  token: number;
  /** Of this token by the model alone: before temperature, top-k and top-p. */
  probability: number;
}

interface Candidate {
  token: number;
  weight: number;
}

/** Below this share of the best token's weight a token is never sampled: it keeps the sort short. */
const leastWeight = 1e-9;

/** Picks a token. Deterministic for equal logits, settings and random numbers; of equal tokens the first is taken. */
export function sampleToken(logits: Float32Array, sampling: Sampling): SampledToken {
  let best = 0;
  for (let i = 1; i < logits.length; i += 1) if (at(logits, i) > at(logits, best)) best = i;
  const top = at(logits, best);
  let total = 0;
  for (let i = 0; i < logits.length; i += 1) total += Math.exp(at(logits, i) - top);
  const token = sampling.temperature > 0 ? pick(candidates(logits, top, sampling), sampling) : best;
  return { token, probability: Math.exp(at(logits, token) - top) / total };
}

/** The tokens that may be picked, likeliest first, at most top-k. */
function candidates(logits: Float32Array, top: number, { temperature, topK }: Sampling): Candidate[] {
  const least = top + temperature * Math.log(leastWeight);
  const kept: Candidate[] = [];
  for (let token = 0; token < logits.length; token += 1) {
    const logit = at(logits, token);
    if (logit >= least) kept.push({ token, weight: Math.exp((logit - top) / temperature) });
  }
  kept.sort((a, b) => b.weight - a.weight || a.token - b.token);
  return topK > 0 ? kept.slice(0, topK) : kept;
}

/** Draws one of the fewest candidates that together hold the share top-p. */
function pick(sorted: readonly Candidate[], { topP, random }: Sampling): number {
  const all = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let nucleus = 0;
  let size = 0;
  for (const { weight } of sorted) {
    nucleus += weight;
    size += 1;
    if (nucleus >= topP * all) break;
  }
  let rest = random() * nucleus;
  for (const { token, weight } of sorted.slice(0, size)) {
    rest -= weight;
    if (rest < 0) return token;
  }
  return sorted[0]?.token ?? 0;
}

const at = (values: Float32Array, index: number) => values[index] ?? Number.NEGATIVE_INFINITY;
