import { AppError, problemCodes, problemRegistry } from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp } from "../deps.ts";
import { jsonAnswer, publicProblems } from "../http/describe.ts";

const codeSchema = z.enum(problemCodes);
const kindSchema = z.object({ code: codeSchema, status: z.int(), title: z.string(), retryable: z.boolean() });

/** `GET /problems/{code}`: what a problem's `type` refers to. */
export function problemGet(app: ApiApp): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/problems/{code}",
      tags: ["Service"],
      summary: "Read what a problem's code means",
      request: { params: z.object({ code: z.string() }) },
      responses: { 200: jsonAnswer(kindSchema, "The kind of problem"), ...publicProblems },
    }),
    (c) => {
      const code = codeSchema.safeParse(c.req.valid("param").code);
      if (!code.success) throw new AppError("not_found", "There is no such problem code.");
      return c.json({ code: code.data, ...problemRegistry[code.data] }, 200);
    },
  );
}
