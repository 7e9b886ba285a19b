import { InferenceError } from "./inference-error.ts";

export type Priority = "interactive" | "bulk";

/** How many pieces of work of each priority run at the same time, and how many may wait and run in all. */
export interface WorkQueueLimits {
  running: Record<Priority, number>;
  total: number;
}

interface Waiting {
  start(): void;
}

/**
 * A bounded queue in two lanes. Interactive work never waits for bulk work.
 * What is over the bound is refused as `overloaded`; what is aborted while waiting is never started.
 */
export function createWorkQueue(limits: WorkQueueLimits) {
  const lanes: Record<Priority, { waiting: Set<Waiting>; running: number }> = {
    interactive: { waiting: new Set(), running: 0 },
    bulk: { waiting: new Set(), running: 0 },
  };
  let total = 0;

  function startNext(priority: Priority): void {
    const lane = lanes[priority];
    const [next] = lane.waiting;
    if (!next || lane.running >= limits.running[priority]) return;
    lane.waiting.delete(next);
    lane.running += 1;
    next.start();
  }

  /** Waits for a place in the lane, then does the work. */
  async function run<T>(
    priority: Priority,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw abortedWork();
    if (total >= limits.total)
      throw new InferenceError("overloaded", `${total} requests are already waiting or running.`);
    total += 1;
    const lane = lanes[priority];
    try {
      await placeIn(lane.waiting, signal, () => startNext(priority));
      try {
        return await work();
      } finally {
        lane.running -= 1;
        startNext(priority);
      }
    } finally {
      total -= 1;
    }
  }

  return { run };
}

/** Resolves when the queue starts this piece of work; rejects when it is aborted before. */
function placeIn(
  waiting: Set<Waiting>,
  signal: AbortSignal | undefined,
  startNext: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      if (waiting.delete(place)) reject(abortedWork());
    };
    const place: Waiting = {
      start() {
        signal?.removeEventListener("abort", abort);
        resolve();
      },
    };
    signal?.addEventListener("abort", abort, { once: true });
    waiting.add(place);
    startNext();
  });
}

const abortedWork = () => new InferenceError("aborted", "The request was aborted.");
