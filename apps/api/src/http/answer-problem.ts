import type { IncomingMessage } from "node:http";
import { AppError, type Problem } from "@genq/contract";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ApiDeps, ApiVariables } from "../deps.ts";
import { explainJson } from "./explain-json.ts";

const contentType = "application/problem+json";

/** The one place where errors become HTTP: RFC 9457 with the request's id, and nothing of our insides. */
export function answerErrors(deps: Pick<ApiDeps, "logger">): ErrorHandler<ApiVariables> {
  return async (error, c) => {
    const appError =
      error instanceof HTTPException && error.status === 400
        ? await malformed(error, c)
        : toAppError(error, c.env.incoming);
    const problem = appError.toProblem(c.get("requestId"));
    // Nobody reads the answer to a client that is gone, and what broke off broke because of that.
    const level = c.env.outgoing.destroyed || problem.status < 500 ? "debug" : "error";
    deps.logger[level](
      { err: appError.cause ?? appError, code: problem.code, request_id: problem.request_id },
      "the request failed",
    );
    if (appError.retryAfterSeconds !== undefined) c.header("retry-after", String(appError.retryAfterSeconds));
    return answerProblem(c, problem);
  };
}

export function answerProblem(c: Context<ApiVariables>, problem: Problem): Response {
  const body = JSON.stringify(problem);
  const headers = { "content-type": contentType };
  const { incoming } = c.env;
  if (!stillSends(incoming)) return c.newResponse(body, problem.status as 400, headers);
  return c.newResponse(whileDraining(incoming, body), problem.status as 400, {
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  });
}

/** What this API throws by itself, and what Hono's own parsers throw. */
function toAppError(error: Error, incoming: IncomingMessage): AppError {
  if (error instanceof AppError) return error;
  // Nobody reads this answer, but the log and the metrics do: it was no fault of ours.
  if (incoming.destroyed && !incoming.complete) {
    return brokenOff(error);
  }
  if (error instanceof HTTPException && error.status === 415) {
    return new AppError("unsupported_media_type", "Send the body as application/json.");
  }
  return new AppError("internal_error", "Something went wrong on our side. Try again in a moment.", {
    cause: error,
  });
}

/** Hono says only that it could not parse; it keeps the text that it read. */
async function malformed(error: Error, c: Context<ApiVariables>): Promise<AppError> {
  const { incoming } = c.env;
  if (incoming.destroyed && !incoming.complete) return brokenOff(error);
  const body = await Promise.resolve(c.req.bodyCache.text).catch(() => undefined);
  return new AppError("malformed_json", explainJson(body));
}

function brokenOff(cause: Error): AppError {
  return new AppError("invalid_request", "The body broke off, or was not well-formed HTTP.", { cause });
}

function stillSends(incoming: IncomingMessage): boolean {
  const hasBody =
    incoming.headers["transfer-encoding"] !== undefined || incoming.headers["content-length"] !== undefined;
  return hasBody && !incoming.complete && !incoming.destroyed;
}

/** How long, and for how many bytes, a client may go on sending after it was answered. */
const drain = { ms: 3000, bytes: 64 * 1024 * 1024 } as const;

/**
 * A body that ends when the client has stopped to send, or after a bound. Closing the connection on a client that
 * sends would make its system throw the answer away before it is read.
 */
function whileDraining(incoming: IncomingMessage, body: string): ReadableStream<Uint8Array> {
  let release = (): void => undefined;
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(body));
      let left = drain.bytes;
      const count = (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) finish();
      };
      const finish = () => {
        release();
        controller.close();
      };
      const timer = setTimeout(finish, drain.ms);
      release = () => {
        clearTimeout(timer);
        incoming.off("data", count).off("end", finish).off("close", finish).off("error", finish);
      };
      incoming.on("data", count).once("end", finish).once("close", finish).once("error", finish);
      incoming.resume();
    },
    // The client is gone.
    cancel: () => release(),
  });
}
