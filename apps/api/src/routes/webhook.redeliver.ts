import { uuidSchema, webhookDeliverySchema } from "@genq/contract";
import { redeliverWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/**
 * `POST /webhooks/{id}/deliveries/{deliveryId}/redeliver`: sends an event again, under the same id; and
 * `POST /webhooks/deliveries/{deliveryId}/redeliver` for single tasks.
 */
export function webhookRedeliver(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const responses = { 202: jsonAnswer(webhookDeliverySchema, "It will be sent again"), ...userProblems };
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/deliveries/{deliveryId}/redeliver",
      tags: ["Webhooks"],
      summary: "Send an event to a single task's URL again",
      ...guards.user,
      request: { params: z.object({ deliveryId: uuidSchema }) },
      responses,
    }),
    async (c) => {
      const { deliveryId } = c.req.valid("param");
      return c.json(await redeliverWebhook(deps, c.get("userId"), null, deliveryId), 202);
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/{id}/deliveries/{deliveryId}/redeliver",
      tags: ["Webhooks"],
      summary: "Send an event again",
      ...guards.user,
      request: { params: idParams.extend({ deliveryId: uuidSchema }) },
      responses,
    }),
    async (c) => {
      const { id, deliveryId } = c.req.valid("param");
      return c.json(await redeliverWebhook(deps, c.get("userId"), id, deliveryId), 202);
    },
  );
}
