import { pageQuerySchema, taskWebhookDeliveriesQuerySchema, webhookDeliveryPageSchema } from "@genq/contract";
import { listWebhookDeliveries } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/**
 * `GET /webhooks/{id}/deliveries`: what an endpoint was told, with each attempt, newest first; and
 * `GET /webhooks/deliveries` for the webhooks of single tasks.
 */
export function webhookDeliveries(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const description = "Deliveries are kept for a week, those that are not delivered for a month.";
  const responses = { 200: jsonAnswer(webhookDeliveryPageSchema, "A page of deliveries"), ...userProblems };
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/deliveries",
      tags: ["Webhooks"],
      summary: "List deliveries of the webhooks of single tasks",
      description,
      ...guards.user,
      request: { query: taskWebhookDeliveriesQuerySchema },
      responses,
    }),
    async (c) => {
      const { task_id: taskId, ...query } = c.req.valid("query");
      const page = await listWebhookDeliveries(deps, c.get("userId"), null, { ...query, taskId });
      return c.json({ data: page.deliveries, next_cursor: page.nextCursor }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/{id}/deliveries",
      tags: ["Webhooks"],
      summary: "List deliveries and their attempts",
      description,
      ...guards.user,
      request: { params: idParams, query: pageQuerySchema },
      responses,
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const page = await listWebhookDeliveries(deps, c.get("userId"), id, c.req.valid("query"));
      return c.json({ data: page.deliveries, next_cursor: page.nextCursor }, 200);
    },
  );
}
