import { AppError } from "@genq/contract";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";

/** Keys older than this are fetched anew, behind the back of the request that noticed. */
const staleAfterMs = 10 * 60_000;
/** Whatever the reason, the endpoint is asked at most once in this time. */
const cooldownMs = 30_000;
const fetchTimeoutMs = 3000;

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

export interface KeySetOptions {
  url: string;
  /** Told when a fetch fails. */
  onError?: (error: unknown) => void;
  now?: () => number;
}

/**
 * The public keys of a JWKS endpoint, as jose asks for them. An unknown `kid` or a failing endpoint costs one fetch in
 * 30 s at most, however many requests ask; keys that were fetched once outlive an outage of the endpoint.
 */
export function createKeySet(options: KeySetOptions): JWTVerifyGetKey {
  const now = options.now ?? Date.now;
  let local: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  const refresh = async () => {
    askedAt = now();
    try {
      local = createLocalJWKSet(await fetchKeySet(options.url));
      fetchedAt = now();
    } catch (error) {
      options.onError?.(error);
    } finally {
      running = undefined;
    }
  };
  /** Joins a fetch that runs; starts one unless the last was too short a time ago. */
  const mayRefresh = (): Promise<void> | undefined => {
    if (running === undefined && now() - askedAt >= cooldownMs) running = refresh();
    return running;
  };

  return async (header, token) => {
    if (local === undefined) await mayRefresh();
    else if (now() - fetchedAt > staleAfterMs) void mayRefresh();
    if (local === undefined) {
      throw new AppError("auth_unavailable", "The keys that tokens are verified with can't be fetched.", {
        retryAfterSeconds: Math.max(1, Math.ceil((askedAt + cooldownMs - now()) / 1000)),
      });
    }
    try {
      return await local(header, token);
    } catch (error) {
      // Keys may have been rotated since.
      if (!(error instanceof errors.JWKSNoMatchingKey) || mayRefresh() === undefined) throw error;
      await running;
      return local(header, token);
    }
  };
}

async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(fetchTimeoutMs),
  });
  if (!response.ok) throw new Error(`The key set's endpoint answered ${response.status}.`);
  return keySetSchema.parse(await response.json()) as JSONWebKeySet;
}
