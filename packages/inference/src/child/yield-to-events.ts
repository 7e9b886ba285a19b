import { setImmediate } from "node:timers/promises";

/** How far the process is, for the thread that tells its parent. */
export interface Progress {
  /** Finished pieces of work, and the tokens of the model run that is going on. */
  readonly shared: Int32Array;
  /** By `performance.now()`. */
  lastStepAt: number;
}

/** Longest that tokenization keeps messages and timers waiting. */
const longestPieceMs = 20;

export const noProgress = (): Progress => ({
  shared: new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)),
  lastStepAt: 0,
});

/** Counts a step and lets messages and timers in: model runs block the event loop. */
export async function finishStep(progress: Progress): Promise<void> {
  Atomics.add(progress.shared, 0, 1);
  await setImmediate();
  progress.lastStepAt = performance.now();
}

/** The same for small pieces of work, of which many make a step. */
export async function finishPiece(progress: Progress): Promise<void> {
  if (performance.now() - progress.lastStepAt > longestPieceMs) await finishStep(progress);
}

/** Runs the model over so many tokens: the parent waits longer for more of them. */
export async function runModel<Output>(
  progress: Progress,
  tokens: number,
  run: () => Promise<Output>,
): Promise<Output> {
  Atomics.store(progress.shared, 1, tokens);
  try {
    return await run();
  } finally {
    Atomics.store(progress.shared, 1, 0);
  }
}
