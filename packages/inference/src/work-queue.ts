import { InferenceError } from "./inference-error.ts";

export type Priority = "interactive" | "bulk";

/** How many pieces of work of each priority run at the same time, and how many may wait and run in all. */
export interface WorkQueueLimits {
  running: Record<Priority, number>;
  total: number;
}

export interface Place {
  priority: Priority;
  /** Runs while nothing else does. */
  alone?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

interface Waiting {
  start(): void;
}

interface Lane {
  waiting: Set<Waiting>;
  running: number;
  most: number;
}

/**
 * A bounded queue in two lanes. Interactive work never waits for bulk work, but for work that must run alone: that
 * waits for what runs, and holds up the rest for as long as it takes; after each, both lanes have their turn.
 * What is over the bound is refused as `overloaded`; what is aborted while waiting is never started.
 */
export function createWorkQueue(limits: WorkQueueLimits) {
  const lane = (most: number): Lane => ({ waiting: new Set(), running: 0, most });
  const shared = [lane(limits.running.interactive), lane(limits.running.bulk)] as const;
  const [interactive, bulk] = shared;
  const lone = lane(1);
  let total = 0;

  function startNext(): void {
    if (lone.running > 0) return;
    // What waits to run alone lets what runs end, and nothing new begin.
    if (lone.waiting.size === 0) fillLanes();
    else if (shared.every(({ running }) => running === 0)) start(lone);
  }
  function fillLanes(): void {
    for (const lane of shared) while (lane.waiting.size > 0 && lane.running < lane.most) start(lane);
  }
  function start(lane: Lane): void {
    const [next] = lane.waiting;
    if (!next) return;
    lane.waiting.delete(next);
    lane.running += 1;
    next.start();
  }

  /** Waits for a place, then does the work. */
  async function run<T>(place: Place, work: () => Promise<T>): Promise<T> {
    const { signal } = place;
    if (signal?.aborted) throw abortedWork();
    if (total >= limits.total)
      throw new InferenceError("overloaded", `${total} requests are already waiting or running.`);
    total += 1;
    const lane = place.alone ? lone : place.priority === "interactive" ? interactive : bulk;
    try {
      await placeIn(lane.waiting, signal, startNext);
      try {
        return await work();
      } finally {
        lane.running -= 1;
        if (lane === lone) fillLanes();
        startNext();
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
      if (!waiting.delete(place)) return;
      reject(abortedWork());
      // Others may have waited for this one to have run alone.
      startNext();
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
