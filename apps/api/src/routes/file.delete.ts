import { deleteFile } from "@genq/core/files";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `DELETE /files/{id}`: the file, its chunks, vectors and running work; no search finds it again. */
export function fileDelete(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "delete",
      path: "/files/{id}",
      tags: ["Files"],
      summary: "Delete a file",
      ...guards.user,
      request: { params: idParams },
      responses: { 204: { description: "It is gone" }, ...userProblems },
    }),
    async (c) => {
      await deleteFile(deps.database, c.get("userId"), c.req.valid("param").id);
      return c.body(null, 204);
    },
  );
}
