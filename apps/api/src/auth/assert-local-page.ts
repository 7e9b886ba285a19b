import { AppError } from "@genq/contract";
import type { Context } from "hono";
import type { ApiVariables } from "../deps.ts";
import { toOriginTest } from "../http/cors.ts";

/**
 * Stands in for the token where AUTHENTICATE=false: any page that a browser on this machine shows can send requests to
 * loopback. One that made its own name point here (DNS rebinding) shows by `Host`, the others by `Origin`.
 * @throws AppError forbidden
 */
export function createLocalPageCheck(origins: string[]): (c: Context<ApiVariables>) => void {
  const allowed = origins.map(toOriginTest);
  return (c) => {
    const host = c.req.header("host") ?? "";
    if (!/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host)) {
      throw new AppError(
        "forbidden",
        "With AUTHENTICATE=false the service answers to the names of loopback only.",
      );
    }
    const origin = c.req.header("origin");
    if (origin !== undefined && !allowed.some((matches) => matches(origin))) {
      throw new AppError(
        "forbidden",
        "With AUTHENTICATE=false only pages of the origins in CORS_ORIGINS may call.",
      );
    }
  };
}
