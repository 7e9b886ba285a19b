import { pageQuerySchema, webhookDeliveryPageSchema } from "@genq/contract";
import { listWebhookDeliveries } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /webhooks/{id}/deliveries`: what an endpoint was told, with each attempt, newest first. */
export function webhookDeliveries(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/{id}/deliveries",
      tags: ["Webhooks"],
      summary: "List deliveries and their attempts",
      description: "Deliveries are kept for a week, those that are not delivered for a month.",
      ...guards.user,
      request: { params: idParams, query: pageQuerySchema },
      responses: { 200: jsonAnswer(webhookDeliveryPageSchema, "A page of deliveries"), ...userProblems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const page = await listWebhookDeliveries(deps, c.get("userId"), id, c.req.valid("query"));
      return c.json({ data: page.deliveries, next_cursor: page.nextCursor }, 200);
    },
  );
}
