import { setImmediate } from "node:timers/promises";

/** Counts finished pieces of work; the heartbeat carries the count to the parent. */
export interface Progress {
  steps: number;
}

/** Counts a step and lets messages and timers in: model runs block the event loop. */
export async function finishStep(progress: Progress): Promise<void> {
  progress.steps += 1;
  await setImmediate();
}
