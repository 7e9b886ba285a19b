import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ApiApp } from "../deps.ts";

/** What the page may load: this server's own files. Swagger UI writes style elements and inlines its icons. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>genq API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  deepLinking: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

/** `GET /docs`, to which `/` leads: a reference page from files of this server alone, so that it works offline. */
export function referencePage(app: ApiApp): void {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const files = new Map<string, { type: string; read: () => Uint8Array<ArrayBuffer> | string }>([
    ["start.js", { type: "text/javascript", read: () => start }],
    [
      "swagger-ui.css",
      { type: "text/css", read: () => new Uint8Array(readFileSync(join(folder, "swagger-ui.css"))) },
    ],
    [
      "swagger-ui-bundle.js",
      {
        type: "text/javascript",
        read: () => new Uint8Array(readFileSync(join(folder, "swagger-ui-bundle.js"))),
      },
    ],
  ]);
  app.get("/", (c) => c.redirect("/docs", 302));
  app.get("/docs", (c) => {
    c.header("content-security-policy", contentSecurityPolicy);
    return c.html(page);
  });
  for (const [name, { type, read }] of files) {
    let content: ReturnType<typeof read> | undefined;
    app.get(`/docs/${name}`, (c) => {
      content ??= read();
      return c.body(content, 200, {
        "content-type": `${type}; charset=utf-8`,
        "cache-control": "public, max-age=3600",
      });
    });
  }
}
