import { webhookDeliverySchema } from "@genq/contract";
import { testWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idempotencyHeaders, idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import { markReplayed, readIdempotency } from "../http/idempotency.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /webhooks/{id}/test`: sends an event of type `webhook.test`, once. */
export function webhookSendTest(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/{id}/test",
      tags: ["Webhooks"],
      summary: "Send a test event",
      description:
        "Signed and sent as all events are, after those that are due already, and not tried again when it fails. `Location` leads to how it went: it is `pending` until a worker has sent it.",
      ...guards.user,
      request: { params: idParams, headers: idempotencyHeaders },
      responses: { 202: jsonAnswer(webhookDeliverySchema, "It will be sent"), ...userProblems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const made = await testWebhook(deps, c.get("userId"), id, readIdempotency(c, null));
      markReplayed(c, made.replayed);
      c.header("location", `/webhooks/${id}/deliveries/${made.answer.id}`);
      return c.json(made.answer, 202);
    },
  );
}
