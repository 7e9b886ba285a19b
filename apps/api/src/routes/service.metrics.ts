import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { publicProblems } from "../http/describe.ts";

/** `GET /metrics`: for Prometheus. Labels hold routes and states, and nothing of any user. */
export function serviceMetrics(app: ApiApp, deps: ApiDeps): void {
  const { registry } = deps.metrics;
  app.openapi(
    createRoute({
      method: "get",
      path: "/metrics",
      tags: ["Service"],
      summary: "Read metrics in Prometheus' text format",
      responses: {
        200: { description: "The metrics", content: { "text/plain": { schema: z.string() } } },
        ...publicProblems,
      },
    }),
    async (c) => c.text(await registry.metrics(), 200, { "content-type": registry.contentType }),
  );
}
