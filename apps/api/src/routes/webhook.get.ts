import { webhookSchema } from "@genq/contract";
import { getWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /webhooks/{id}`. */
export function webhookGet(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/{id}",
      tags: ["Webhooks"],
      summary: "Read an endpoint",
      ...guards.user,
      request: { params: idParams },
      responses: { 200: jsonAnswer(webhookSchema, "The endpoint"), ...userProblems },
    }),
    async (c) => c.json(await getWebhook(deps, c.get("userId"), c.req.valid("param").id), 200),
  );
}
