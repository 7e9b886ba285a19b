import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { ApiApp } from "./deps.ts";

/** An upload of the largest size over a slow line takes minutes; a client that sends nothing is let go sooner. */
const defaultTimeouts = {
  headersMs: 30_000,
  requestMs: 15 * 60_000,
  keepAliveMs: 65_000,
  // Longer than any answer is waited for in silence.
  idleMs: 120_000,
};

export interface RunningServer {
  /** Where it listens. */
  url: string;
  /** Takes no new connections, lets running requests end, and cuts those that have not after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Listens on a host and port; port 0 is any free one. @throws Error with the system's `code` (EADDRINUSE) */
export async function serve(
  app: Pick<ApiApp, "fetch">,
  host: string,
  port: number,
  timeouts: typeof defaultTimeouts = defaultTimeouts,
): Promise<RunningServer> {
  const server = createServer(
    {
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.keepAliveMs,
    },
    getRequestListener(app.fetch, { hostname: host }),
  );
  server.setTimeout(timeouts.idleMs);
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return { url: `http://${shownHost}:${address.port}`, stop: (graceMs) => stop(server, graceMs) };
}

async function stop(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // A connection that was busy becomes idle when its answer is out, and would be kept alive for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
