import { createdWebhookSchema, createWebhookSchema } from "@genq/contract";
import { createWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idempotencyHeaders, jsonAnswer, jsonBody, userProblems } from "../http/describe.ts";
import { markReplayed, readIdempotency } from "../http/idempotency.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /webhooks`: registers an endpoint that is told when the caller's tasks have ended. */
export function webhookCreate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks",
      tags: ["Webhooks"],
      summary: "Register an endpoint",
      description:
        "Messages follow Standard Webhooks. The secret that signs them is in this answer and nowhere else.",
      ...guards.userWithBody,
      request: { headers: idempotencyHeaders, body: jsonBody(createWebhookSchema) },
      responses: { 201: jsonAnswer(createdWebhookSchema, "The endpoint and its secret"), ...userProblems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const made = await createWebhook(deps, c.get("userId"), body, readIdempotency(c, body));
      markReplayed(c, made.replayed);
      c.header("location", `/webhooks/${made.answer.id}`);
      c.header("cache-control", "no-store");
      return c.json(made.answer, 201);
    },
  );
}
