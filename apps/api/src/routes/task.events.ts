import { isTerminal } from "@genq/contract";
import { getTask, presentTask } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** A comment this often keeps proxies from closing a silent stream. */
const heartbeatMs = 15_000;

/** `GET /task/{id}/events`: the task as it is, then again at each change, until it is finished. */
export function taskEvents(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/task/{id}/events",
      tags: ["Tasks"],
      summary: "Follow a task by server-sent events",
      description:
        "Each `task` event carries the task as JSON. The stream ends after the event of a finished task.",
      ...guards.user,
      request: { params: idParams },
      responses: {
        200: {
          description: "The events",
          content: { "text/event-stream": { schema: { type: "string" } } },
        },
        ...userProblems,
      },
    }),
    async (c) => {
      const userId = c.get("userId");
      const { id } = c.req.valid("param");
      let task = await getTask(deps, userId, id);
      const ended = AbortSignal.any([deps.stopping, c.req.raw.signal]);
      c.header("x-accel-buffering", "no");
      return streamSSE(
        c,
        async (stream) => {
          let sent = "";
          while (!ended.aborted) {
            const data = JSON.stringify(presentTask(task));
            if (data === sent) await stream.write(": still here\n\n");
            else await stream.writeSSE({ event: "task", id: String(task.updatedAt.getTime()), data });
            sent = data;
            if (isTerminal(task.status)) return;
            await deps.watcher.wait(id, {
              timeoutMs: heartbeatMs,
              changedSince: task.updatedAt,
              signal: ended,
            });
            if (!ended.aborted) task = await getTask(deps, userId, id);
          }
        },
        (error) => {
          deps.logger.debug({ err: error, request_id: c.get("requestId") }, "events ended");
          return Promise.resolve();
        },
      );
    },
  );
}
