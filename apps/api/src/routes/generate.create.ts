import { generateRequestSchema, generateResultSchema, submittedTaskSchema, taskSchema } from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, jsonBody, submitHeaders, userProblems } from "../http/describe.ts";
import { assertServedModel } from "../http/served-model.ts";
import { submitWork, syncWaitSeconds } from "../http/submit-work.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /generate`: waits for the answer. `POST /generate-async`: answers with the task. */
export function generateCreate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const request = { headers: submitHeaders, body: jsonBody(generateRequestSchema) };
  const accepted = jsonAnswer(submittedTaskSchema, "Accepted; poll the task");
  app.openapi(
    createRoute({
      method: "post",
      path: "/generate",
      tags: ["Work"],
      summary: "Generate text and wait for it",
      ...guards.userWithBody,
      request,
      responses: { 200: jsonAnswer(generateResultSchema, "The answer"), 202: accepted, ...userProblems },
    }),
    (c) => {
      const payload = c.req.valid("json");
      assertServedModel(payload.model, deps.env.generationModel, deps.env.modelsAllowed);
      return submitWork(c, deps, {
        kind: "generate",
        payload,
        waitSeconds: syncWaitSeconds,
        answer: "result",
      });
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/generate-async",
      tags: ["Work"],
      summary: "Generate text as a task",
      ...guards.userWithBody,
      request,
      responses: {
        200: jsonAnswer(taskSchema, "Done within `Prefer: wait`"),
        202: accepted,
        ...userProblems,
      },
    }),
    (c) => {
      const payload = c.req.valid("json");
      assertServedModel(payload.model, deps.env.generationModel, deps.env.modelsAllowed);
      return submitWork(c, deps, { kind: "generate", payload, waitSeconds: 0, answer: "task" });
    },
  );
}
