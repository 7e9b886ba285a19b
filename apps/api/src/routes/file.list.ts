import { filePageSchema, listFilesQuerySchema } from "@genq/contract";
import { listFiles } from "@genq/core/files";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

/** `GET /files`: a page of the caller's files, newest first. */
export function fileList(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/files",
      tags: ["Files"],
      summary: "List files",
      ...guards.user,
      request: { query: listFilesQuerySchema },
      responses: { 200: jsonAnswer(filePageSchema, "A page of files"), ...userProblems },
    }),
    async (c) => {
      const { rows, nextCursor } = await listFiles(deps.database, c.get("userId"), c.req.valid("query"));
      return c.json({ data: rows.map((row) => row.file), next_cursor: nextCursor }, 200);
    },
  );
}
