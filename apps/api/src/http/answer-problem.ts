import type { IncomingMessage } from "node:http";
import { AppError, type Problem } from "@genq/contract";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ApiDeps, ApiVariables } from "../deps.ts";

const contentType = "application/problem+json";

/** The one place where errors become HTTP: RFC 9457 with the request's id, and nothing of our insides. */
export function answerErrors(deps: Pick<ApiDeps, "logger">): ErrorHandler<ApiVariables> {
  return (error, c) => {
    const appError = toAppError(error, c.env.incoming);
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
    return new AppError("invalid_request", "The body broke off, or was not well-formed HTTP.", {
      cause: error,
    });
  }
  if (error instanceof HTTPException && error.status === 415) {
    return new AppError("unsupported_media_type", "Send the body as application/json.");
  }
  if (error instanceof HTTPException && error.status === 400) {
    return new AppError("malformed_json", "The body is not valid JSON.");
  }
  return new AppError("internal_error", "Something went wrong on our side. Try again in a moment.", {
    cause: error,
  });
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
