import { listTasksQuerySchema, taskPageSchema } from "@genq/contract";
import { listTasks, presentTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /tasks`: a page of the caller's tasks, newest first. */
export function taskList(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/tasks",
      tags: ["Tasks"],
      summary: "List tasks",
      ...guards.user,
      request: { query: listTasksQuerySchema },
      responses: { 200: jsonAnswer(taskPageSchema, "A page of tasks"), ...userProblems },
    }),
    async (c) => {
      const { rows, nextCursor } = await listTasks(deps, c.get("userId"), c.req.valid("query"));
      return c.json({ data: rows.map(presentTask), next_cursor: nextCursor }, 200);
    },
  );
}
