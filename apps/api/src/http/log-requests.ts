import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { ApiDeps, ApiVariables } from "../deps.ts";
import type { Metrics } from "../metrics.ts";

/** Routes that are asked all the time by machines. */
const quiet = new Set(["/health", "/ready", "/metrics", "/upload/healthz"]);

/** One line and one observation a request: which route and how it went, never its query, headers or body. */
export function logRequests(deps: Pick<ApiDeps, "logger">, metrics: Metrics) {
  return createMiddleware<ApiVariables>(async (c, next) => {
    const start = performance.now();
    await next();
    const ms = performance.now() - start;
    const matched = routePath(c, -1);
    const route = matched === "/*" || matched === "*" ? "unmatched" : matched;
    const { method } = c.req;
    const { status } = c.res;
    metrics.requestSeconds.observe({ method: knownMethod(method), route, status }, ms / 1000);
    deps.logger[quiet.has(route) ? "debug" : "info"](
      {
        method,
        route,
        status,
        ms: Math.round(ms * 10) / 10,
        request_id: c.get("requestId"),
        user_id: c.get("userId"),
      },
      "request",
    );
  });
}

/** A label has few values, whatever clients make up. */
function knownMethod(method: string): string {
  return ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"].includes(method) ? method : "other";
}
