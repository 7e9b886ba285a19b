import { fileSchema } from "@genq/contract";
import { getFile } from "@genq/core/files";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import { answerTagged, tag } from "../http/etag.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /files/{id}`: a file with how far its ingestion is. */
export function fileGet(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/files/{id}",
      tags: ["Files"],
      summary: "Read a file's state",
      ...guards.user,
      request: { params: idParams },
      responses: {
        200: jsonAnswer(fileSchema, "The file"),
        304: { description: "It is still what `If-None-Match` names" },
        ...userProblems,
      },
    }),
    async (c) => {
      const { file } = await getFile(deps.database, c.get("userId"), c.req.valid("param").id);
      return answerTagged(c, tag(file));
    },
  );
}
