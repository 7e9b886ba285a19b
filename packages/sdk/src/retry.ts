import type { GenqError } from "./genq-error.ts";

const firstDelayMs = 400;
const longestDelayMs = 10_000;
/** A server that asks for a longer pause is not waited for: the caller is told how long. */
const longestRetryAfterSeconds = 30;

/** Whether the same request, sent again, may do better. */
export function isTransient(error: GenqError): boolean {
  if (error.code === "connection_failed" || error.code === "timed_out") return true;
  if ((error.retryAfterSeconds ?? 0) > longestRetryAfterSeconds) return false;
  if (error.problem?.code === "idempotency_in_progress") return true;
  if (error.problem?.retryable === false || error.status === undefined) return false;
  return error.status === 408 || error.status === 429 || error.status >= 500;
}

/** Milliseconds before attempt `attempt + 1`: exponential with jitter, and never less than the server asked for. */
export function retryDelayMs(attempt: number, retryAfterSeconds: number | undefined): number {
  const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** attempt) * (0.5 + Math.random() / 2);
  return Math.max(delay, (retryAfterSeconds ?? 0) * 1000);
}

/** Seconds of a `Retry-After` header: a number, or a date. */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** Waits; an abort rejects with the signal's reason at once. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
