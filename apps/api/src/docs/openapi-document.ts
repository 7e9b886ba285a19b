import { z } from "zod";
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
    document ??= makeDocument(app);
    return c.json(document, 200);
  });
}

function makeDocument(app: ApiApp): object {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "genq", version: "0.1.0", description },
  });
  return { ...document, components: { ...document.components, schemas: namedSchemas() } };
}

/**
 * The contract's named schemas, by zod itself: the document's generator loses that a reference may be null. OpenAPI 3.1
 * is JSON Schema 2020-12, which zod writes.
 */
function namedSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, {
    io: "input",
    unrepresentable: "any",
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema]),
  );
}
