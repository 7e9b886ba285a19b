import { AppError } from "@genq/contract";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import type { ApiDeps, ApiVariables } from "../deps.ts";

/** Bounds a JSON body, by its Content-Length when it says one and by what arrives when it does not. */
export function limitBody(deps: ApiDeps) {
  const { maxBodyBytes } = deps.env;
  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new AppError("payload_too_large", `The body is larger than the limit of ${maxBodyBytes} bytes.`);
    },
  });
  return createMiddleware<ApiVariables>((c, next) => {
    assertPlain(c.req.header("content-encoding"));
    return limit(c, next);
  });
}

/** @throws AppError unsupported_media_type: a compressed body would have to be bounded twice */
export function assertPlain(encoding: string | undefined): void {
  if (encoding === undefined || encoding.toLowerCase() === "identity") return;
  throw new AppError("unsupported_media_type", "Send the body without a Content-Encoding.");
}
