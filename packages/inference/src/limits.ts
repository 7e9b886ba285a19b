import { availableParallelism } from "node:os";
import type { InferenceLimits } from "./types.ts";

/** The given limits, with defaults for the rest. */
export function withDefaultLimits(limits: Partial<InferenceLimits> = {}): InferenceLimits {
  return {
    threads: Math.min(2, availableParallelism()),
    bulkProcesses: undefined,
    maxQueuedRequests: 256,
    maxTextsPerRequest: 4096,
    maxTextCharacters: 4_000_000,
    tokensPerRun: undefined,
    generationRows: 8,
    prefixCacheBytes: 256 * 1024 ** 2,
    silenceMs: 5000,
    stepDeadlineMs: 15_000,
    tokenDeadlineMs: 30,
    requestDeadlineMs: 900_000,
    maxRssBytes: undefined,
    recycleAfterRequests: 100_000,
    recycleGrowthBytes: undefined,
    recycleMinLifeMs: 60_000,
    loadDeadlineMs: 180_000,
    abortGraceMs: 750,
    ...limits,
  };
}
