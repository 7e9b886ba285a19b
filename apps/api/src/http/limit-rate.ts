import { AppError } from "@genq/contract";
import { createMiddleware } from "hono/factory";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { ApiDeps, ApiVariables } from "../deps.ts";

const windowSeconds = 60;

/** Bounds the requests of one user to this process, and tells where they stand (draft-ietf-httpapi-ratelimit-headers). */
export function limitRate(deps: ApiDeps) {
  const quota = deps.env.rateLimitPerMinute;
  const limiter = new RateLimiterMemory({ points: quota, duration: windowSeconds });
  return createMiddleware<ApiVariables>(async (c, next) => {
    const { state, refused } = await consume(limiter, c.get("userId"));
    const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
    c.header("ratelimit-policy", `"user";q=${quota};w=${windowSeconds}`);
    c.header("ratelimit", `"user";r=${Math.max(0, state.remainingPoints)};t=${resetSeconds}`);
    if (refused) {
      throw new AppError("rate_limited", `More than ${quota} requests in a minute. Wait ${resetSeconds} s.`, {
        retryAfterSeconds: resetSeconds,
      });
    }
    return next();
  });
}

async function consume(
  limiter: RateLimiterMemory,
  key: string,
): Promise<{ state: RateLimiterRes; refused: boolean }> {
  try {
    return { state: await limiter.consume(key), refused: false };
  } catch (state) {
    if (state instanceof RateLimiterRes) return { state, refused: true };
    throw state;
  }
}
