import { cors } from "hono/cors";

const exposed = [
  "ETag",
  "Idempotency-Replayed",
  "Location",
  "Preference-Applied",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
  "X-Request-Id",
];

/** Lets the pages of the allowed origins call the API. Tokens travel in a header, so no cookies are allowed. */
export function allowOrigins(patterns: string[]) {
  const matches = patterns.map(toOriginTest);
  return cors({
    origin: (origin) => (matches.some((match) => match(origin)) ? origin : null),
    allowMethods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "If-None-Match",
      "Prefer",
      "X-Request-Id",
    ],
    exposeHeaders: exposed,
    maxAge: 7200,
  });
}

/** `*` alone is any origin; as a port any port or none; elsewhere one label of the host. */
export function toOriginTest(pattern: string): (origin: string) => boolean {
  if (pattern === "*") return () => true;
  const source = pattern
    .replace(/\/$/, "")
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/:\*$/, "(?::\\d{1,5})?")
    .replaceAll("*", "[a-z0-9-]+");
  const expression = new RegExp(`^${source}$`, "i");
  return (origin) => expression.test(origin);
}
