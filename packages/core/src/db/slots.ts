/** Lets so many in at a time; the rest wait in line, and leave it without a trace when their signal aborts. */
export interface Slots {
  /** Resolves how to give the slot back. @throws the signal's reason */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createSlots(count: number): Slots {
  const line = new Set<() => void>();
  let free = count;
  const giveBack = () => {
    const [next] = line;
    if (next === undefined) free++;
    else next();
  };
  return {
    take: async (signal) => {
      if (free > 0) {
        free--;
        return giveBack;
      }
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          line.delete(enter);
          reject(signal.reason);
        };
        const enter = () => {
          line.delete(enter);
          signal.removeEventListener("abort", leave);
          resolve();
        };
        line.add(enter);
        signal.addEventListener("abort", leave, { once: true });
      });
      return giveBack;
    },
  };
}
