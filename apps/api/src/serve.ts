import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import type { ApiApp } from "./deps.ts";
import { answerUnparsed } from "./http/answer-unparsed.ts";

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
  /**
   * Asks clients to close their connections as they are answered, takes no new ones after a while, lets running
   * requests end, and cuts those that have not after `graceMs`.
   */
  stop(graceMs: number): Promise<void>;
}

/** Listens on a host and port; port 0 is any free one. @throws Error with the system's `code` (EADDRINUSE) */
export async function serve(
  app: Pick<ApiApp, "fetch">,
  host: string,
  port: number,
  timeouts: typeof defaultTimeouts = defaultTimeouts,
): Promise<RunningServer> {
  const server = createServer({
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.headersMs,
    keepAliveTimeout: timeouts.keepAliveMs,
  });
  const goodbye = sayGoodbye(getRequestListener(app.fetch, { hostname: host }));
  server.on("request", goodbye.listener);
  server.on("clientError", answerUnparsed(goodbye.running));
  server.setTimeout(timeouts.idleMs);
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return { url: `http://${shownHost}:${address.port}`, stop: (graceMs) => stop(server, goodbye, graceMs) };
}

interface Goodbye {
  listener: RequestListener;
  running: ReadonlySet<ServerResponse>;
  /** From now on, and for the requests that run, answers say `Connection: close`. */
  begin(): void;
}

function sayGoodbye(listener: RequestListener): Goodbye {
  const running = new Set<ServerResponse>();
  let leaving = false;
  const ask = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader("connection", "close");
  };
  return {
    running,
    listener: (request, response) => {
      running.add(response);
      response.once("close", () => running.delete(response));
      if (leaving) ask(response);
      listener(request, response);
    },
    begin: () => {
      leaving = true;
      for (const response of running) ask(response);
    },
  };
}

/** The part of the grace period in which clients and balancers learn that this server goes. */
const learning = { part: 0.2, mostMs: 2000 } as const;
/** In which a connection that was just taken brings its first request. */
const arrivingMs = 250;

/**
 * A connection that is closed while a client writes a request to it resets that request. So the client is asked to close
 * it first, and only what stayed silent is closed here.
 */
async function stop(server: Server, goodbye: Goodbye, graceMs: number): Promise<void> {
  const begun = performance.now();
  goodbye.begin();
  await sleep(Math.min(learning.mostMs, graceMs * learning.part));
  const closed = once(server, "close");
  // Not its own `close`, which also ends connections whose first request is still on its way.
  NetServer.prototype.close.call(server);
  await Promise.race([closed, sleep(Math.min(arrivingMs, graceMs * learning.part))]);
  // A connection that was busy becomes idle when its answer is out, and would be kept alive for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs - (performance.now() - begun));
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
