import { submittedTaskSchema } from "@genq/contract";
import { retryTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { answerSubmitted } from "../http/answer-task.ts";
import { idempotencyHeaders, idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import { markReplayed, readIdempotency } from "../http/idempotency.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /task/{id}/retry`: the next life of a failed task. */
export function taskRetry(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/task/{id}/retry",
      tags: ["Tasks"],
      summary: "Start a failed task again",
      ...guards.user,
      request: { params: idParams, headers: idempotencyHeaders },
      responses: { 202: jsonAnswer(submittedTaskSchema, "Accepted; poll the task"), ...userProblems },
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const submitted = await retryTask(deps, c.get("userId"), id, readIdempotency(c, null));
      markReplayed(c, submitted.replayed);
      return answerSubmitted(c, submitted);
    },
  );
}
