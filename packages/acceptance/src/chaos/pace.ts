import { setTimeout as sleep } from "node:timers/promises";

/** A client that was held up for longer than this does not make up for it. */
const mostBehindMs = 2000;
const lookEveryMs = 250;

/**
 * Tasks of a kind that may be open before nobody asks for more of it: the load must not outrun the workers. Where so many
 * tasks are wanted, more of the cheap ones may pile up while workers are away.
 */
const mostOpen: Record<string, number> = { embed: 100, generate: 16, ingest: 8 };
const mostEmbedsOfMany = 1000;

/** Lets requests start at a rate, and less of what the workers are behind with. */
export interface Pace {
  /** Resolves when the next request may start, or `signal` aborts. */
  turn(signal: AbortSignal): Promise<void>;
  /** Whether there is room for another task of that kind. */
  hasRoom(kind: string): boolean;
}

export function createPace(options: {
  perSecond: number;
  /** How many tasks have to be accepted. */
  wanted: number;
  countOpen: () => Promise<Map<string, number>>;
}): Pace {
  let nextAt = performance.now();
  let open = new Map<string, number>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  const look = () => {
    if (performance.now() - lookedAt < lookEveryMs) return;
    lookedAt = performance.now();
    options.countOpen().then(
      (counts) => {
        open = counts;
      },
      () => undefined,
    );
  };
  const most = options.wanted > 0 ? { ...mostOpen, embed: mostEmbedsOfMany } : mostOpen;
  const hasRoom = (kind: string) => (open.get(kind) ?? 0) < (most[kind] ?? 0);
  return {
    hasRoom,
    turn: async (signal) => {
      const now = performance.now();
      nextAt = Math.max(nextAt, now - mostBehindMs) + 1000 / options.perSecond;
      await pause(nextAt - now, signal);
      for (look(); !hasRoom("embed") && !signal.aborted; look()) await pause(100, signal);
    },
  };
}

/** Resolves after so many milliseconds or at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
}
