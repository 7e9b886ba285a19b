import type { ParseLimits } from "./types.ts";

const mebibyte = 1024 * 1024;

/** Far above honest documents, and below what a worker on a small machine can bear. */
export const defaultParseLimits: ParseLimits = {
  maxPages: 20_000,
  maxCharacters: 50_000_000,
  maxInflatedBytes: 256 * mebibyte,
  maxHeapBytes: 768 * mebibyte,
  maxMemoryBytes: 1024 * mebibyte,
  partTimeoutMs: 60_000,
  timeoutMs: 15 * 60_000,
};
