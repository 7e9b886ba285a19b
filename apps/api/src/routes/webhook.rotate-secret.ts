import { rotatedSecretSchema } from "@genq/contract";
import { rotateWebhookSecret } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiApp, ApiDeps, ApiVariables } from "../deps.ts";
import { idempotencyHeaders, idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import { markReplayed, readIdempotency } from "../http/idempotency.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /webhooks/{id}/secret/rotate`, and `POST /webhooks/secret/rotate` for the webhooks of single tasks. */
export function webhookRotateSecret(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const responses = {
    200: jsonAnswer(rotatedSecretSchema, "The new secret, told this once"),
    ...userProblems,
  };
  const rotate = async (c: Context<ApiVariables>, endpointId: string | null) => {
    const made = await rotateWebhookSecret(deps, c.get("userId"), endpointId, readIdempotency(c, null));
    markReplayed(c, made.replayed);
    c.header("cache-control", "no-store");
    return made.answer;
  };
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/secret/rotate",
      tags: ["Webhooks"],
      summary: "Make the next secret for the webhooks of single tasks",
      description: "The first call makes the first one. The one before stays valid for a day.",
      ...guards.user,
      request: { headers: idempotencyHeaders },
      responses,
    }),
    async (c) => c.json(await rotate(c, null), 200),
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/webhooks/{id}/secret/rotate",
      tags: ["Webhooks"],
      summary: "Make an endpoint's next secret",
      description: "The one before stays valid for a day; until then each message has both signatures.",
      ...guards.user,
      request: { params: idParams, headers: idempotencyHeaders },
      responses,
    }),
    async (c) => c.json(await rotate(c, c.req.valid("param").id), 200),
  );
}
