import { expOfMinus } from "./exp-of-minus.ts";

/** What a draw leaves out, and how flat it is. */
export interface DrawSettings {
  /** Above 0. */
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
}

/** How far below the best token, in temperatures, a token is never drawn: it would come up once in 10^17 draws. */
const deepest = 40;
/** The upper half of a float's bits orders positive floats into buckets; 1 is the largest weight. */
const bucketBits = 16;
const buckets = (0x3f800000 >>> bucketBits) + 1;

/** The likeliest tokens: all above the threshold, and the first ones that are equal to it. */
interface Prefix {
  threshold: number;
  equals: number;
  mass: number;
}

const everything: Omit<Prefix, "mass"> = { threshold: Number.MIN_VALUE, equals: Number.POSITIVE_INFINITY };

/**
 * Draws tokens: temperature, then min-p, top-k and top-p, each over what the one before left, as vLLM and transformers
 * do. A few passes over the vocabulary without sorting it, in arrays that are made once.
 */
export function createDraw({ temperature, topK, topP, minP }: DrawSettings) {
  let weights = new Float32Array(0);
  let bits = new Uint32Array(0);
  let members = new Float32Array(0);
  const counts = new Int32Array(buckets);
  const masses = new Float64Array(buckets);
  const depth = Math.min(deepest, minP > 0 ? -Math.log(minP) : deepest);

  function weigh(logits: Float32Array, top: number): number {
    if (weights.length !== logits.length) {
      weights = new Float32Array(logits.length);
      bits = new Uint32Array(weights.buffer);
      members = new Float32Array(logits.length);
    }
    const least = top - depth * temperature;
    let total = 0;
    for (let token = 0; token < logits.length; token += 1) {
      const logit = logits[token] ?? 0;
      const weight = logit >= least ? expOfMinus((top - logit) / temperature) : 0;
      weights[token] = weight;
      total += weight;
    }
    return total;
  }

  function sortIntoBuckets(): void {
    counts.fill(0);
    masses.fill(0);
    for (let token = 0; token < weights.length; token += 1) {
      const weight = weights[token] ?? 0;
      if (weight === 0) continue;
      const bucket = (bits[token] ?? 0) >>> bucketBits;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      masses[bucket] = (masses[bucket] ?? 0) + weight;
    }
  }

  /** The fewest of the likeliest tokens that are so many, or together weigh so much. */
  function likeliest(mostTokens: number, mostMass: number): Prefix {
    let bucket = buckets - 1;
    let count = 0;
    let mass = 0;
    const bucketOf = (index: number) => ({ count: counts[index] ?? 0, mass: masses[index] ?? 0 });
    for (let next = bucketOf(bucket); bucket > 0; next = bucketOf(bucket)) {
      if (count + next.count >= mostTokens || mass + next.mass >= mostMass) break;
      count += next.count;
      mass += next.mass;
      bucket -= 1;
    }
    // Fewer than asked for weigh anything: no weight is small enough for the lowest bucket (see `deepest`).
    if (bucket === 0) return { ...everything, mass };
    return stepThrough(bucket, mostTokens - count, mostMass - mass, mass);
  }

  /** The border lies in this bucket: only its members are sorted. */
  function stepThrough(bucket: number, tokens: number, restMass: number, massAbove: number): Prefix {
    let size = 0;
    for (let token = 0; token < weights.length; token += 1) {
      if ((bits[token] ?? 0) >>> bucketBits !== bucket || weights[token] === 0) continue;
      members[size] = weights[token] ?? 0;
      size += 1;
    }
    const sorted = members.subarray(0, size).sort();
    let threshold = Number.POSITIVE_INFINITY;
    let equals = 0;
    let mass = 0;
    for (let taken = 1; taken <= size; taken += 1) {
      const weight = sorted[size - taken] ?? 0;
      equals = weight === threshold ? equals + 1 : 1;
      threshold = weight;
      mass += weight;
      if (taken >= tokens || mass >= restMass) break;
    }
    return { threshold, equals, mass: massAbove + mass };
  }

  function border(total: number): Prefix {
    const all = { ...everything, mass: total };
    if (topK === 0 && topP >= 1) return all;
    sortIntoBuckets();
    const most = topK > 0 ? topK : Number.POSITIVE_INFINITY;
    const kept = topK > 0 ? likeliest(most, Number.POSITIVE_INFINITY) : all;
    return topP < 1 ? likeliest(most, topP * kept.mass) : kept;
  }

  /**
   * @param top the largest logit
   * @param random uniform in [0, 1)
   */
  return function draw(logits: Float32Array, top: number, random: number): number {
    const { threshold, equals, mass } = border(weigh(logits, top));
    let rest = random * mass;
    let equalsLeft = equals;
    let last = 0;
    for (let token = 0; token < weights.length; token += 1) {
      const weight = weights[token] ?? 0;
      if (weight < threshold) continue;
      if (weight === threshold) {
        if (equalsLeft === 0) continue;
        equalsLeft -= 1;
      }
      last = token;
      rest -= weight;
      if (rest < 0) break;
    }
    return last;
  };
}
