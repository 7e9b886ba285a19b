import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { ApiVariables } from "../deps.ts";

export interface Tagged {
  body: string;
  etag: string;
}

/** A representation with its entity tag. */
export function tag(value: unknown): Tagged {
  const body = JSON.stringify(value);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
}

/** Whether the client holds this representation (`If-None-Match`, weak comparison). */
export function isHeld(c: Context<ApiVariables>, { etag }: Tagged): boolean {
  const held = c.req.header("if-none-match");
  if (held === undefined) return false;
  return held.split(",").some((candidate) => ["*", etag].includes(candidate.trim().replace(/^W\//, "")));
}

/** 304 when the client holds it, 200 with the body otherwise. */
export function answerTagged(c: Context<ApiVariables>, tagged: Tagged): Response {
  c.header("etag", tagged.etag);
  if (isHeld(c, tagged)) return c.body(null, 304);
  return c.body(tagged.body, 200, { "content-type": "application/json" });
}
