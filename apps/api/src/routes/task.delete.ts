import { deleteTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `DELETE /task/{id}`: forgets a finished task and its result. */
export function taskDelete(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "delete",
      path: "/task/{id}",
      tags: ["Tasks"],
      summary: "Delete a finished task",
      ...guards.user,
      request: { params: idParams },
      responses: { 204: { description: "It is gone" }, ...userProblems },
    }),
    async (c) => {
      await deleteTask(deps, c.get("userId"), c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
}
