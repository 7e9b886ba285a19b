import { updateWebhookSchema, webhookSchema } from "@genq/contract";
import { updateWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, jsonBody, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `PATCH /webhooks/{id}`: changes what the body names. */
export function webhookUpdate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "patch",
      path: "/webhooks/{id}",
      tags: ["Webhooks"],
      summary: "Change an endpoint, or switch it on or off",
      ...guards.userWithBody,
      request: { params: idParams, body: jsonBody(updateWebhookSchema) },
      responses: { 200: jsonAnswer(webhookSchema, "The endpoint"), ...userProblems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      return c.json(await updateWebhook(deps, c.get("userId"), id, c.req.valid("json")), 200);
    },
  );
}
