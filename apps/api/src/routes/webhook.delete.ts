import { deleteWebhook } from "@genq/core/webhooks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `DELETE /webhooks/{id}`: forgets an endpoint and what it was to be told. */
export function webhookDelete(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "delete",
      path: "/webhooks/{id}",
      tags: ["Webhooks"],
      summary: "Delete an endpoint",
      ...guards.user,
      request: { params: idParams },
      responses: { 204: { description: "It is gone" }, ...userProblems },
    }),
    async (c) => {
      await deleteWebhook(deps, c.get("userId"), c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
}
