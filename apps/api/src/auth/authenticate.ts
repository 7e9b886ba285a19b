import { AppError } from "@genq/contract";
import { createMiddleware } from "hono/factory";
import type { ApiDeps, ApiVariables } from "../deps.ts";
import { createLocalPageCheck } from "./assert-local-page.ts";

/** The user that everybody is where AUTHENTICATE=false. */
export const testUser = {
  id: "00000000-0000-4000-8000-000000000001",
  email: "test-user@genq.invalid",
} as const;

/** Lets a request through that carries a user's access token, and says who the user is. */
export function authenticate(deps: ApiDeps) {
  const assertLocalPage = createLocalPageCheck(deps.env.corsOrigins);
  return createMiddleware<ApiVariables>(async (c, next) => {
    c.header("cache-control", "private, no-cache");
    if (!deps.env.authenticate) {
      assertLocalPage(c);
      c.set("userId", testUser.id);
      return next();
    }
    const header = c.req.header("authorization");
    const token = header?.match(/^Bearer +([\w.~+/=-]+) *$/i)?.[1];
    if (token === undefined) {
      c.header("www-authenticate", 'Bearer realm="genq"');
      throw new AppError(
        "unauthorized",
        header === undefined
          ? "Send the access token of a Supabase session as 'Authorization: Bearer …'."
          : "The Authorization header is not of the form 'Bearer …'.",
      );
    }
    try {
      c.set("userId", (await deps.verifyToken(token)).userId);
    } catch (error) {
      if (error instanceof AppError && error.code !== "auth_unavailable") {
        c.header("www-authenticate", challenge(error));
      }
      throw error;
    }
    return next();
  });
}

/** RFC 6750; the details are of this program's own making, and in ASCII. */
function challenge(error: AppError): string {
  const kind = error.code === "forbidden" ? "insufficient_scope" : "invalid_token";
  return `Bearer realm="genq", error="${kind}", error_description="${error.message.replaceAll('"', "'")}"`;
}
