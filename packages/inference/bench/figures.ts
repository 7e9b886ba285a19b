/** One measured number beside what it is compared with, both the medians of the same rounds. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  baseline: number;
  /** Who the baseline is. */
  baseline_name: string;
  /** Value by baseline. */
  ratio: number;
  /** What the figure is to be, such as `ratio >= 1.5`; empty where there is no goal. */
  reach: string;
  reached: boolean;
  /** (slowest − fastest) ÷ median of the rounds, of the value and of the baseline. */
  spread: number;
  baseline_spread: number;
}

export interface Median {
  median: number;
  spread: number;
}

export type Goal = { of: "ratio" | "value"; atLeast: number } | { of: "ratio" | "value"; atMost: number };

/** Runs what is compared in turns, after one turn that does not count. Gives what each turn gave. */
export async function inTurns<Name extends string>(
  sides: Record<Name, () => Promise<number>>,
  rounds: number,
): Promise<Record<Name, Median>> {
  // The keys of the object are its names.
  const names = Object.keys(sides) as Name[];
  const results = names.map((name) => ({ name, values: [] as number[] }));
  for (const name of names) await sides[name]();
  for (let round = 0; round < rounds; round++) {
    // Who begins has it neither better nor worse in the long run.
    const order = round % 2 === 0 ? results : results.toReversed();
    for (const { name, values } of order) values.push(await sides[name]());
  }
  const medians = results.map(({ name, values }) => [name, medianOf(values)] as const);
  return Object.fromEntries(medians) as Record<Name, Median>;
}

export function medianOf(values: readonly number[]): Median {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return { median, spread: ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / median };
}

export async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** The rate of work that takes so many milliseconds. */
export const perSecond = (amount: number, { median, spread }: Median): Median => ({
  median: (amount * 1000) / median,
  spread,
});

export function figure(
  name: string,
  unit: string,
  value: Median,
  baseline: Median & { name: string },
  goal?: Goal,
): Figure {
  const ratio = value.median / baseline.median;
  const judged = goal?.of === "value" ? value.median : ratio;
  const reached = !goal || ("atLeast" in goal ? judged >= goal.atLeast : judged <= goal.atMost);
  const bound = goal && ("atLeast" in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`);
  return {
    name,
    value: rounded(value.median),
    unit,
    baseline: rounded(baseline.median),
    baseline_name: baseline.name,
    ratio: rounded(ratio),
    reach: goal ? `${goal.of} ${bound}` : "",
    reached,
    spread: rounded(value.spread),
    baseline_spread: rounded(baseline.spread),
  };
}

const rounded = (value: number) => Number(value.toPrecision(3));
