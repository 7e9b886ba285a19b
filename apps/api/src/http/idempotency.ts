import { createHash } from "node:crypto";
import type { Idempotency } from "@genq/core/tasks";
import type { Context } from "hono";
import type { ApiVariables } from "../deps.ts";

/** The key, which the route's header schema has checked. */
export function readIdempotencyKey(c: Context<ApiVariables>): string | undefined {
  return c.req.header("idempotency-key");
}

/** The key with the hash of what it came with. A body was parsed before, so equal requests have equal text. */
export function readIdempotency(c: Context<ApiVariables>, body: unknown): Idempotency | undefined {
  const key = readIdempotencyKey(c);
  if (key === undefined) return undefined;
  const requestHash = createHash("sha256")
    .update(JSON.stringify([c.req.method, c.req.path, body ?? null]))
    .digest("hex");
  return { key, requestHash };
}

export function markReplayed(c: Context<ApiVariables>, replayed: boolean): void {
  if (replayed) c.header("idempotency-replayed", "true");
}
