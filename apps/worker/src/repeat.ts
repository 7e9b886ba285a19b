import { delayAfter, roundBackoff } from "./backoff.ts";

export interface Repetition {
  /** Runs once more as soon as possible, at most one time beside the one that runs. */
  soon(delayMs?: number): void;
  /** Ends it and waits for the round that runs. */
  stop(): Promise<void>;
}

/**
 * Runs `round` again and again, `everyMs` after the end of the last, a quarter more or less; it never runs twice at once.
 * After one that rejects the pause grows with each failure, up to eight seconds or twice `everyMs`; who makes the round tells of its errors.
 */
export function repeat(everyMs: number, round: () => Promise<void>): Repetition {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  let again: number | undefined;
  let stopped = false;
  let failures = 0;

  const schedule = (delayMs: number) => {
    const at = performance.now() + delayMs;
    if (stopped || at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(start, delayMs);
  };
  const start = () => {
    dueAt = Number.POSITIVE_INFINITY;
    running = round()
      .then(
        () => {
          failures = 0;
        },
        () => {
          failures++;
        },
      )
      .then(() => {
        running = undefined;
        schedule(again ?? pauseMs());
        again = undefined;
      });
  };
  const pauseMs = () =>
    failures === 0 ? everyMs * (0.75 + Math.random() / 2) : delayAfter(failures, roundBackoff(everyMs));
  schedule(0);
  return {
    soon: (delayMs = 0) => {
      if (running === undefined) schedule(delayMs);
      else again = Math.min(again ?? Number.POSITIVE_INFINITY, delayMs);
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
