import type { Run } from "./handler.ts";

const everyMs = 1000;

/** Reports how far a generation is, at most once a second. A piece of text stands for a token, which it nearly is. */
export function reportTokens(run: Run, total: number): { count: () => void; settled: () => Promise<void> } {
  let done = 0;
  let reportedAt = performance.now();
  let writing: Promise<void> | undefined;
  return {
    count: () => {
      done++;
      if (writing !== undefined || performance.now() - reportedAt < everyMs) return;
      reportedAt = performance.now();
      // A claim that is lost shows by the run's signal; a progress that is not told is no failure.
      writing = run
        .report({ stage: "generating", done: Math.min(done, total), total, unit: "tokens" })
        .catch(() => undefined)
        .finally(() => {
          writing = undefined;
        });
    },
    settled: async () => await writing,
  };
}
