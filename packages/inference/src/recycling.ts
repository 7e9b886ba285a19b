import type { InferenceLimits } from "./types.ts";

/** What a process has done and takes. */
export interface Usage {
  calls: number;
  /** By `Date.now()`. */
  loadedAt: number;
  /** Resident memory by its last beat, and when it was loaded. */
  bytes: number;
  loadedBytes: number;
  maxRssBytes: number;
}

/** Of the way from its size after loading to the size at which it is killed. */
const growthShare = 0.75;

/** Whether a process has done enough, or grown so much, that a fresh one had better go on. */
export function isWorn(
  usage: Usage,
  limits: Pick<InferenceLimits, "recycleAfterRequests" | "recycleGrowthBytes" | "recycleMinLifeMs">,
  now = Date.now(),
): boolean {
  if (usage.calls >= limits.recycleAfterRequests) return true;
  if (now - usage.loadedAt < limits.recycleMinLifeMs) return false;
  const room = usage.maxRssBytes - usage.loadedBytes;
  return usage.bytes - usage.loadedBytes > (limits.recycleGrowthBytes ?? growthShare * room);
}
