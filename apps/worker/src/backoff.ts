import type { Backoff } from "@genq/contract";

/** Between attempts to load a model. */
export const loadBackoff: Backoff = { baseMs: 1000, factor: 2, maxMs: 60_000 };
/** Between runs that found the models with more to do, or with less memory, than they can take. */
export const overloadBackoff: Backoff = { baseMs: 500, factor: 2, maxMs: 15_000 };
/** Between attempts to reach the database in the middle of a run. */
export const databaseBackoff: Backoff = { baseMs: 100, factor: 2, maxMs: 5000 };

/**
 * Between rounds of work that is done every `everyMs`, while they fail. Not for long: after an outage tasks may wait for
 * just that round.
 */
export function roundBackoff(everyMs: number): Backoff {
  return { baseMs: 2 * everyMs, factor: 2, maxMs: Math.max(8000, 2 * everyMs) };
}

/** How long to wait after the `failures`th failure (1 is the first): from half of the step to all of it, at random. */
export function delayAfter(
  failures: number,
  { baseMs, factor, maxMs }: Backoff,
  random = Math.random,
): number {
  const step = Math.min(maxMs, baseMs * factor ** (Math.max(1, failures) - 1));
  return Math.round(step * (0.5 + random() / 2));
}
