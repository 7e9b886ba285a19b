import { AppError } from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, publicProblems } from "../http/describe.ts";

/** `GET /upload/healthz`: whether uploads have somewhere to go. */
export function uploadHealthz(app: ApiApp, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/upload/healthz",
      tags: ["Service"],
      summary: "Tell whether uploads can be stored",
      responses: { 200: jsonAnswer(z.object({ status: z.literal("ok") }), "They can"), ...publicProblems },
    }),
    async (c) => {
      c.header("cache-control", "no-store");
      if (await deps.status.storage()) return c.json({ status: "ok" as const }, 200);
      throw new AppError("storage_unavailable", "File storage does not answer.", { retryAfterSeconds: 5 });
    },
  );
}
