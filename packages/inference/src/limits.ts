import { availableParallelism } from "node:os";
import type { InferenceLimits } from "./types.ts";

/** The given limits, with defaults for the rest. */
export function withDefaultLimits(limits: Partial<InferenceLimits> = {}): InferenceLimits {
  return {
    threads: Math.min(2, availableParallelism()),
    maxQueuedRequests: 256,
    maxTextsPerRequest: 4096,
    maxTextCharacters: 4_000_000,
    tokensPerRun: 768,
    runDeadlineMs: 120_000,
    loadDeadlineMs: 180_000,
    abortGraceMs: 1000,
    ...limits,
  };
}
