import type { DownloadProgress } from "../types.ts";

const reportEveryMs = 250;
const windowMs = 5000;

/**
 * Adds up the bytes of several files and tells how fast they come.
 * @param totalBytes of all files
 * @param report called at most every 250 ms, of all bytes that came before, and by `finish`; not after the meter is disposed
 */
export function createDownloadMeter(totalBytes: number, report: (progress: DownloadProgress) => void) {
  const onDisk = new Map<string, number>();
  const samples: { at: number; received: number }[] = [];
  let received = 0;
  let reportedAt = 0;
  let timer: NodeJS.Timeout | undefined;

  function progress(now: number): DownloadProgress {
    const oldest = samples[0];
    const seconds = oldest ? (now - oldest.at) / 1000 : 0;
    const bytesPerSecond = oldest && seconds > 0 ? Math.round((received - oldest.received) / seconds) : 0;
    const loadedBytes = [...onDisk.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { loadedBytes, totalBytes: Math.max(totalBytes, loadedBytes), bytesPerSecond };
  }

  function tell(): void {
    const now = Date.now();
    timer = undefined;
    reportedAt = now;
    samples.push({ at: now, received });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > windowMs) samples.shift();
    report(progress(now));
  }

  return {
    /** A file has so many bytes on disk now; what was there at its first call was not received. */
    update(path: string, bytes: number): void {
      const before = onDisk.get(path);
      onDisk.set(path, bytes);
      if (before !== undefined) received += Math.max(0, bytes - before);
      // Also the last bytes before a standstill are told.
      timer ??= setTimeout(tell, Math.max(0, reportedAt + reportEveryMs - Date.now()));
    },
    finish(): void {
      clearTimeout(timer);
      report(progress(Date.now()));
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
