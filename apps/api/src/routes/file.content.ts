import { fileContentSchema } from "@genq/contract";
import { getFile } from "@genq/core/files";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { idParams, jsonAnswer, userProblems } from "../http/describe.ts";
import type { Guards } from "../http/user-route.ts";

const signedSeconds = 300;

/** `GET /files/{id}/content`: a URL that gives the bytes to whoever has it, for five minutes. */
export function fileContent(app: ApiApp, deps: ApiDeps, guards: Guards): void {
  const { supabaseUrl, supabasePublicUrl } = deps.env;
  app.openapi(
    createRoute({
      method: "get",
      path: "/files/{id}/content",
      tags: ["Files"],
      summary: "Get a short-lived URL of a file's bytes",
      ...guards.user,
      request: { params: idParams },
      responses: { 200: jsonAnswer(fileContentSchema, "The URL"), ...userProblems },
    }),
    async (c) => {
      const row = await getFile(deps.database, c.get("userId"), c.req.valid("param").id);
      const expiresAt = new Date(Date.now() + signedSeconds * 1000).toISOString();
      const signed = await deps.storage.sign(row.storageKey, signedSeconds, row.file.name);
      // The browser may know Supabase by another name than this process does.
      const url = signed.startsWith(supabaseUrl)
        ? supabasePublicUrl + signed.slice(supabaseUrl.length)
        : signed;
      c.header("cache-control", "no-store");
      return c.json({ url, expires_at: expiresAt }, 200);
    },
  );
}
