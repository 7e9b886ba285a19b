import { InferenceError } from "./inference-error.ts";
import { withDefaultLimits } from "./limits.ts";
import { defaultMemoryBudget, estimateRss } from "./memory-limit.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import { type ModelProcess, startModelProcess } from "./model-process.ts";
import { shareOut } from "./spread-host.ts";
import type { Tuning } from "./tuning.ts";

export interface Measured extends Tuning {
  tokensPerSecond: number;
}

const rounds = 3;
const tokensPerRunChoices = [256, 512, 1024];
const words = "the quick brown fox jumps over a lazy dog while many small birds sing in old trees".split(" ");

/** Texts from a question to a long passage, as files and users bring them. */
const texts = Array.from({ length: 40 }, (_, index) => {
  const length = 6 + Math.round(260 * (index / 39) ** 2);
  return Array.from({ length }, (_, place) => words[(index * 7 + place * 5) % words.length]).join(" ");
});

/** Processes and threads that take all cores together, the most processes first. */
export function plansFor(cores: number): { bulkProcesses: number; threadsPerBulkProcess: number }[] {
  const threads = [1, 2, 4, 8, 16, 32, cores].filter((count) => count <= cores);
  return [...new Set(threads)].map((count) => {
    return { bulkProcesses: Math.floor(cores / count), threadsPerBulkProcess: count };
  });
}

/**
 * Measures an embedding model's bulk work on this machine: first how many processes of how many threads, then how many
 * tokens in a run.
 * @param onMeasured called with each result
 * @returns the best
 */
export async function measureEmbedding(
  definition: ModelDefinition,
  folder: string,
  {
    cores,
    signal,
    onMeasured,
  }: { cores: number; signal: AbortSignal; onMeasured: (measured: Measured) => void },
): Promise<Measured> {
  const perProcess = await estimateRss(definition.record, folder);
  const fitting = Math.floor(defaultMemoryBudget() / perProcess);
  // One more answers queries.
  const plans = plansFor(cores).filter(({ bulkProcesses }) => bulkProcesses === 1 || bulkProcesses < fitting);
  let best: Measured | undefined;
  const measure = async (plan: Tuning) => {
    const tokensPerSecond = await measurePlan(definition, folder, plan, signal);
    const measured = { ...plan, tokensPerSecond };
    onMeasured(measured);
    if (best === undefined || tokensPerSecond > best.tokensPerSecond) best = measured;
    return best;
  };
  for (const plan of plans) await measure({ ...plan, tokensPerRun: 512 });
  const { bulkProcesses, threadsPerBulkProcess } = best ?? { bulkProcesses: 1, threadsPerBulkProcess: cores };
  let result = best;
  for (const tokensPerRun of tokensPerRunChoices.filter((choice) => choice !== 512))
    result = await measure({ bulkProcesses, threadsPerBulkProcess, tokensPerRun });
  if (result === undefined) throw new InferenceError("model_unavailable", "Nothing was measured.");
  return result;
}

async function measurePlan(
  definition: ModelDefinition,
  folder: string,
  { bulkProcesses, threadsPerBulkProcess, tokensPerRun }: Tuning,
  signal: AbortSignal,
): Promise<number> {
  const limits = withDefaultLimits({ threads: threadsPerBulkProcess, tokensPerRun });
  const processes: ModelProcess[] = [];
  try {
    for (let i = 0; i < bulkProcesses; i++)
      processes.push(await startModelProcess({ definition, folder, limits, signal }));
    const shares = shareOut(
      texts,
      processes.map(() => 0),
    );
    const rates: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const begun = performance.now();
      const results = await Promise.all(
        processes.map(async (process, index) => {
          const share = (shares[index] ?? []).map((at) => texts[at] ?? "");
          const call = { type: "embed", texts: share, kind: "passage", priority: "bulk" } as const;
          return await process.call(call, { signal });
        }),
      );
      const tokens = results.flatMap((result) => result.tokens).reduce((sum, count) => sum + count, 0);
      rates.push((1000 * tokens) / (performance.now() - begun));
    }
    // The first is for the memory that runs take.
    return Math.round(rates.slice(1).toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0);
  } finally {
    await Promise.all(processes.map((process) => process.retire()));
  }
}
