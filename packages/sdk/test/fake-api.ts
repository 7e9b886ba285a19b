import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request as the fake server saw it. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface FakeApi extends AsyncDisposable {
  url: string;
  seen: SeenRequest[];
}

type Answer =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | "hang up"
  | "say nothing";

/** A node:http server that gives `answers` in turn (the last one again and again) and keeps what it saw. */
export async function startFakeApi(
  ...answers: (Answer | ((request: SeenRequest) => Answer))[]
): Promise<FakeApi> {
  const seen: SeenRequest[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const entry = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: await buffer(request),
    };
    seen.push(entry);
    const next = answers[Math.min(seen.length, answers.length) - 1];
    const answer = typeof next === "function" ? next(entry) : (next ?? {});
    if (answer === "hang up") request.socket.destroy();
    if (typeof answer === "string") return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(answer.text ?? (answer.json === undefined ? "" : JSON.stringify(answer.json)));
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // It listens on TCP, so its address is one of a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
