import { setImmediate } from "node:timers/promises";

/** Counts finished pieces of work; the heartbeat carries the count to the parent. */
export interface Progress {
  steps: number;
  /** By `performance.now()`. */
  lastStepAt: number;
}

/** Longest that tokenization keeps messages and timers waiting. */
const longestPieceMs = 20;

export const noProgress = (): Progress => ({ steps: 0, lastStepAt: 0 });

/** Counts a step and lets messages and timers in: model runs block the event loop. */
export async function finishStep(progress: Progress): Promise<void> {
  progress.steps += 1;
  await setImmediate();
  progress.lastStepAt = performance.now();
}

/** The same for small pieces of work, of which many make a step. */
export async function finishPiece(progress: Progress): Promise<void> {
  if (performance.now() - progress.lastStepAt > longestPieceMs) await finishStep(progress);
}
