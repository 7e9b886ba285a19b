import { getTaskQuerySchema, isTerminal, taskSchema } from "@genq/contract";
import { getTask, presentTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { answerTask } from "../http/answer-task.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import { isHeld, tag } from "../http/etag.ts";
import type { Guards } from "../http/user-route.ts";

/**
 * `GET /task/{id}`. With `?wait=` it answers when the task is finished or the time is over; with `If-None-Match` too,
 * as soon as the task is not what the client holds.
 */
export function taskGet(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/task/{id}",
      tags: ["Tasks"],
      summary: "Read a task, or wait for it",
      ...guards.user,
      request: { params: idParams, query: getTaskQuerySchema },
      responses: {
        200: jsonAnswer(taskSchema, "The task"),
        304: { description: "It is still what `If-None-Match` names" },
        ...userProblems,
      },
    }),
    async (c) => {
      const userId = c.get("userId");
      const { id } = c.req.valid("param");
      const { wait = 0 } = c.req.valid("query");
      const task = await getTask(deps, userId, id);
      if (wait === 0 || isTerminal(task.status)) return answerTask(c, task);
      const conditional = c.req.header("if-none-match") !== undefined;
      if (conditional && !isHeld(c, tag(presentTask(task)))) return answerTask(c, task);
      await deps.watcher.wait(id, {
        timeoutMs: wait * 1000,
        signal: c.req.raw.signal,
        ...(conditional ? { changedSince: task.updatedAt } : {}),
      });
      return answerTask(c, await getTask(deps, userId, id));
    },
  );
}
