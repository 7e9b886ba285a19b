import type { ApiApp } from "../deps.ts";

const description = `Upload documents, search them and have questions answered from them. Work is a task: it is
answered with 202 and a \`Location\` to poll, or waited for with \`Prefer: wait=N\`. Every error is a problem (RFC 9457)
with a \`code\`. Sign in with Supabase Auth and send the access token as \`Authorization: Bearer …\`.`;

/** `GET /openapi.json`: made from the schemas that parse the requests. */
export function openapiDocument(app: ApiApp): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
  });
  app.openAPIRegistry.registerComponent("responses", "Problem", {
    description: "A problem",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  });
  let document: object | undefined;
  app.get("/openapi.json", (c) => {
    document ??= app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "genq", version: "0.1.0", description },
    });
    return c.json(document, 200);
  });
}
