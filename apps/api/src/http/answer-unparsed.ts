import { maxHeaderSize, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "@genq/contract";

/** How long a client may take to read its answer and to close its side. */
const goodbyeMs = 1000;

/**
 * Answers what Node's parser refuses, which no route sees, as a problem, and closes the connection. `running` are the
 * responses that are under way.
 */
export function answerUnparsed(
  running: ReadonlySet<ServerResponse>,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const told = new WeakSet<Duplex>();
  return (error, socket) => {
    // What is sent after it is refused as well.
    if (told.has(socket)) return;
    told.add(socket);
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const current = [...running].find((response) => response.socket === socket);
    if (current !== undefined && (current.headersSent || current.req.complete)) {
      // What is refused came after its request: an answer now would be taken for that one's.
      current.once("close", () => socket.destroy());
      return;
    }
    socket.on("error", () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), goodbyeMs);
    socket.once("close", () => clearTimeout(timer));
    // Ended, not destroyed: a client that still sends would lose the answer by the reset.
    socket.end(toAnswer(toAppError(error.code)));
  };
}

function toAppError(code: string | undefined): AppError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new AppError(
        "headers_too_large",
        `The headers and the URL may take ${maxHeaderSize} bytes together.`,
      );
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new AppError("payload_too_large", "The extensions of the body's chunks are too large.");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new AppError("request_timeout", "The request did not arrive in time. Send it again.");
    case "HPE_INVALID_HEADER_TOKEN":
      return new AppError("invalid_request", "A header has a character in it that may not stand there.");
    default:
      return new AppError("invalid_request", "What came is not well-formed HTTP.");
  }
}

function toAnswer(error: AppError): string {
  const problem = error.toProblem();
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
