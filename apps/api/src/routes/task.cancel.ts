import { taskSchema } from "@genq/contract";
import { cancelTask, presentTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /task/{id}/cancel`: idempotent; a task that has ended stays what it is. */
export function taskCancel(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/task/{id}/cancel",
      tags: ["Tasks"],
      summary: "Cancel queued or running work",
      ...guards.user,
      request: { params: idParams },
      responses: { 200: jsonAnswer(taskSchema, "The task as it is now"), ...userProblems },
    }),
    async (c) => {
      const task = await cancelTask(deps, c.get("userId"), c.req.valid("param").id);
      return c.json(presentTask(task), 200);
    },
  );
}
