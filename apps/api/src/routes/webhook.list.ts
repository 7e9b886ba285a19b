import { webhookListSchema } from "@genq/contract";
import { listWebhooks } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /webhooks`: the caller's endpoints, newest first. */
export function webhookList(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks",
      tags: ["Webhooks"],
      summary: "List endpoints",
      ...guards.user,
      responses: { 200: jsonAnswer(webhookListSchema, "All endpoints"), ...userProblems },
    }),
    async (c) => c.json({ data: await listWebhooks(deps, c.get("userId")) }, 200),
  );
}
