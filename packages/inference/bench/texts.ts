import { readFileSync } from "node:fs";
import { join } from "node:path";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { frequentWords } from "./models/tokenizers.ts";

/** Texts, and the token ids that the BERT's tokenizer makes of each. */
export interface Texts {
  texts: string[];
  ids: number[][];
}

/** Random words, each one token. The same seed gives the same texts. */
export function randomTexts(folder: string, tokens: readonly number[], seed: number): Texts {
  // The benchmark's own file.
  const { model } = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")) as {
    model: { vocab: Record<string, number> };
  };
  const generator = xoroshiro128plus(seed);
  const id = (token: string) => model.vocab[token] ?? 0;
  const words = tokens.map((count) => {
    // The tokenizer adds one at each end.
    return Array.from({ length: count - 2 }, () => {
      return frequentWords[Math.floor(uniformFloat64(generator) * frequentWords.length)] ?? "";
    });
  });
  return {
    texts: words.map((text) => text.join(" ")),
    ids: words.map((text) => [id("[CLS]"), ...text.map(id), id("[SEP]")]),
  };
}

/** Lengths as documents have them, many short and few long, that sum up to `total`. */
export function mixedLengths(count: number, total: number): number[] {
  const generator = xoroshiro128plus(7);
  const shares = Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
    return Math.exp(0.7 * normal * Math.cos(2 * Math.PI * uniformFloat64(generator)));
  });
  const sum = shares.reduce((all, share) => all + share, 0);
  const lengths = shares.map((share) => Math.min(500, Math.max(4, Math.round((share / sum) * total))));
  const missing = total - lengths.reduce((all, length) => all + length, 0);
  for (let i = 0; i < Math.abs(missing); i++) {
    const at = i % count;
    lengths[at] = (lengths[at] ?? 0) + Math.sign(missing);
  }
  return lengths;
}

/** The best plan known for a plain BERT: texts of like length, `budget` tokens in a run, little padding. */
export function planRuns(ids: readonly number[][], budget: number, waste: number): number[][][] {
  const runs: number[][][] = [];
  let run: number[][] = [];
  let tokens = 0;
  for (const row of ids.toSorted((a, b) => a.length - b.length)) {
    const padded = (run.length + 1) * row.length;
    if (run.length > 0 && (padded > budget || padded > waste * (tokens + row.length))) {
      runs.push(run);
      run = [];
      tokens = 0;
    }
    run.push(row);
    tokens += row.length;
  }
  return run.length > 0 ? [...runs, run] : runs;
}
