import { setTimeout } from "node:timers/promises";
import { HubStatusError } from "./hub-file.ts";

export interface RetryOptions {
  signal: AbortSignal;
  /** Tries in a row without progress before the error is thrown. */
  maxFailures: number;
  /** Wait after the first failure; doubles up to `maxDelayMs`. */
  firstDelayMs: number;
  maxDelayMs: number;
}

export const defaultRetry: Omit<RetryOptions, "signal"> = {
  maxFailures: 6,
  firstDelayMs: 500,
  maxDelayMs: 15_000,
};

/**
 * Does something over a bad connection until it works.
 * @param attempt throws when it fails
 * @param hasProgressed tells whether the last attempt got further: then the failures count from one again
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { signal, maxFailures, firstDelayMs, maxDelayMs }: RetryOptions,
  hasProgressed: () => boolean = () => false,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (hasProgressed()) failures = 1;
      if (signal.aborted || !isTransient(error) || failures >= maxFailures) throw error;
    }
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1));
    await setTimeout(delay * (0.75 + Math.random() / 2), undefined, { signal });
  }
}

/** Errors of the local disk, which waiting does not mend. */
const localErrors: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EACCES",
  "EPERM",
  "EROFS",
  "EDQUOT",
  "ENOTDIR",
  "EISDIR",
]);

function isTransient(error: unknown): boolean {
  if (error instanceof HubStatusError)
    return error.status >= 500 || error.status === 429 || error.status === 408;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return !(typeof code === "string" && localErrors.has(code));
}
