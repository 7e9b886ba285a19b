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
    const encoding = c.req.header("content-encoding");
    if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
      throw new AppError("unsupported_media_type", "Send the body without a Content-Encoding.");
    }
    return limit(c, next);
  });
}
