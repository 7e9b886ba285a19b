import { searchRequestSchema, searchResultSchema, submittedTaskSchema } from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, jsonBody, submitHeaders, userProblems } from "../http/describe.ts";
import { submitWork, syncWaitSeconds } from "../http/submit-work.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /search`: the passages of the caller's files that are nearest to a query. */
export function searchCreate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/search",
      tags: ["Work"],
      summary: "Search the caller's files",
      ...guards.userWithBody,
      request: { headers: submitHeaders, body: jsonBody(searchRequestSchema) },
      responses: {
        200: jsonAnswer(searchResultSchema, "The nearest passages, best first"),
        202: jsonAnswer(submittedTaskSchema, "It takes longer; poll the task"),
        ...userProblems,
      },
    }),
    (c) => {
      const payload = c.req.valid("json");
      return submitWork(c, deps, { kind: "search", payload, waitSeconds: syncWaitSeconds, answer: "result" });
    },
  );
}
