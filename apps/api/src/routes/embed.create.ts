import {
  type EmbedRequest,
  embeddingLimits,
  embedRequestSchema,
  embedResultSchema,
  submittedTaskSchema,
  taskSchema,
} from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, jsonBody, submitHeaders, userProblems } from "../http/describe.ts";
import { assertServedModel } from "../http/served-model.ts";
import { submitWork, syncWaitSeconds } from "../http/submit-work.ts";
import type { Guards } from "../http/user-route.ts";

/** `POST /embed`: waits for the vectors of few texts. `POST /embed-async`: answers with the task. */
export function embedCreate(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const request = { headers: submitHeaders, body: jsonBody(embedRequestSchema) };
  const accepted = jsonAnswer(submittedTaskSchema, "Accepted; poll the task");
  app.openapi(
    createRoute({
      method: "post",
      path: "/embed",
      tags: ["Work"],
      summary: "Turn texts into vectors and wait for them",
      description: `More than ${embeddingLimits.syncTexts} texts are answered with a task, unless \`Prefer: wait=N\` asks to wait.`,
      ...guards.userWithBody,
      request,
      responses: { 200: jsonAnswer(embedResultSchema, "The vectors"), 202: accepted, ...userProblems },
    }),
    (c) => {
      const payload = c.req.valid("json");
      assertServedModel(payload.model, deps.env.embeddingModel, deps.env.modelsAllowed);
      return submitWork(c, deps, {
        kind: "embed",
        payload,
        waitSeconds: defaultWait(payload),
        answer: "result",
      });
    },
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/embed-async",
      tags: ["Work"],
      summary: "Turn texts into vectors as a task",
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
      assertServedModel(payload.model, deps.env.embeddingModel, deps.env.modelsAllowed);
      return submitWork(c, deps, { kind: "embed", payload, waitSeconds: 0, answer: "task" });
    },
  );
}

function defaultWait({ texts }: EmbedRequest): number {
  return texts.length <= embeddingLimits.syncTexts ? syncWaitSeconds : 0;
}
