import { AppError, type FieldError } from "@genq/contract";
import type { OpenAPIHonoOptions } from "@hono/zod-openapi";
import type { ZodError } from "zod";
import type { ApiVariables } from "../deps.ts";

const errorsTold = 20;
/** How zod says that a field is missing. */
const missing = /^Invalid input: expected .+, received undefined$/;

/** What a route's schemas refuse becomes one problem that names each field. */
export const refuseInvalid: NonNullable<OpenAPIHonoOptions<ApiVariables>["defaultHook"]> = (result, c) => {
  if (result.success) return;
  // An id that is no UUID names nothing: the same answer as for one that is nobody's.
  if (result.target === "param") throw notFound(c.req.path);
  throw invalidRequest(result.error, result.target === "json" ? "" : result.target);
};

/** @param place `query` or `header`; empty for the body, whose paths are JSON Pointers */
export function invalidRequest(error: ZodError, place: string): AppError {
  const errors: FieldError[] = error.issues.slice(0, errorsTold).map((issue) => ({
    path: `${place}${issue.path.map((part) => `/${escapePointer(String(part))}`).join("")}`,
    message: missing.test(issue.message) ? "is required" : issue.message,
  }));
  const first = errors[0];
  const where = first === undefined || first.path === "" ? "The body" : first.path;
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : "";
  return new AppError("invalid_request", `${where}: ${first?.message ?? "is not valid"}${more}.`, { errors });
}

function notFound(path: string): AppError {
  const thing = { files: "file", webhooks: "webhook" }[path.split("/")[1] ?? ""] ?? "task";
  return new AppError("not_found", `There is no such ${thing}.`);
}

/** RFC 6901. Keys come from the client, so they are bounded too. */
function escapePointer(part: string): string {
  return part.slice(0, 100).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");
}
