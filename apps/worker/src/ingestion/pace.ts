const targetMs = 1500;
const sizes = { least: 16, most: 512, first: 64 };

/** Picks the size of the next batch so that one is stored about every second and a half, whatever the model's speed. */
export interface Pace {
  size(): number;
  /** Notes that a batch of `chunks` was stored. */
  stored(chunks: number): void;
}

export function createPace(now: () => number = () => performance.now()): Pace {
  let size = sizes.first;
  let last = now();
  return {
    size: () => size,
    stored: (chunks) => {
      const elapsedMs = Math.max(1, now() - last);
      last = now();
      if (chunks === 0) return;
      const wanted = Math.round((chunks / elapsedMs) * targetMs);
      // One slow or lucky batch moves it by a factor of two at most.
      size = Math.min(sizes.most, Math.max(sizes.least, Math.min(size * 2, Math.max(size / 2, wanted))));
    },
  };
}
