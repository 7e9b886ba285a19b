import type { Logger } from "pino";

const everyMs = 10_000;

/** Warns of errors that come again and again while a server is away: each message once in ten seconds, with a count. */
export function limitedWarning(log: Logger): (error: unknown, message: string) => void {
  const told = new Map<string, { at: number; since: number }>();
  return (error, message) => {
    const last = told.get(message);
    const now = performance.now();
    if (last !== undefined && now - last.at < everyMs) {
      last.since++;
      return;
    }
    told.set(message, { at: now, since: 0 });
    log.warn({ err: error, untold: last?.since ?? 0 }, message);
  };
}
