/** Pauses after the first, second … failed attempt; three days in all. After the last one the delivery is dead. */
const pausesSeconds = [5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 57_600, 86_400];
/** What a receiver may ask for. */
const longestSeconds = 86_400;

/**
 * Seconds until the next attempt, a fifth more or less; never sooner than the receiver asked for. Undefined when there
 * is none.
 */
export function retryPauseSeconds(
  tries: number,
  retryAfterSeconds: number | null,
  random: () => number = Math.random,
): number | undefined {
  const pause = pausesSeconds[tries - 1];
  if (pause === undefined) return undefined;
  return Math.max(pause * (0.8 + 0.4 * random()), Math.min(retryAfterSeconds ?? 0, longestSeconds));
}
