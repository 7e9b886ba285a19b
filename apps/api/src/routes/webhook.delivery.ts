import { uuidSchema, webhookDeliverySchema } from "@genq/contract";
import { getWebhookDelivery } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /webhooks/{id}/deliveries/{deliveryId}`, and `GET /webhooks/deliveries/{deliveryId}` for single tasks. */
export function webhookDelivery(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const responses = { 200: jsonAnswer(webhookDeliverySchema, "The delivery"), ...userProblems };
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/deliveries/{deliveryId}",
      tags: ["Webhooks"],
      summary: "Read a delivery of a single task's webhook",
      ...guards.user,
      request: { params: z.object({ deliveryId: uuidSchema }) },
      responses,
    }),
    async (c) => {
      const { deliveryId } = c.req.valid("param");
      return c.json(await getWebhookDelivery(deps, c.get("userId"), null, deliveryId), 200);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/webhooks/{id}/deliveries/{deliveryId}",
      tags: ["Webhooks"],
      summary: "Read a delivery and its attempts",
      ...guards.user,
      request: { params: idParams.extend({ deliveryId: uuidSchema }) },
      responses,
    }),
    async (c) => {
      const { id, deliveryId } = c.req.valid("param");
      return c.json(await getWebhookDelivery(deps, c.get("userId"), id, deliveryId), 200);
    },
  );
}
