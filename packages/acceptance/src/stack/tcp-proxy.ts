import { once } from "node:events";
import { createServer } from "node:net";
import { createProxyConnection, type ProxyConnection } from "./proxy-connection.ts";
import type { ProxyCounts, ProxyMode } from "./proxy-mode.ts";

/** The answer of Postgres that a transaction is committed (CommandComplete). */
export const postgresCommitted = Buffer.from("C\0\0\0\x0bCOMMIT\0", "latin1");

/** A way to a TCP server that can be broken in this process. */
export interface TcpProxy {
  /** The server's URL with the proxy's host and port. */
  readonly url: string;
  readonly counts: Readonly<ProxyCounts>;
  /** For all connections, those to come included. One connection has a `set` of its own. */
  set(mode: ProxyMode): void;
  /** Resets all connections on both sides; new ones are taken. Returns how many there were. */
  cut(): number;
  connections(): ProxyConnection[];
  close(): Promise<void>;
}

/**
 * Listens on a port of `host` and passes bytes on to the server of `serverUrl`, which names its port.
 * @throws Error when it names none
 */
export async function openTcpProxy(serverUrl: string, host = "127.0.0.1"): Promise<TcpProxy> {
  const { hostname, port } = new URL(serverUrl);
  if (port === "") throw new Error("The URL of a server behind a proxy names its port.");
  const counts: ProxyCounts = {
    connections: 0,
    refused: 0,
    swallowedBytes: 0,
    delayedChunks: 0,
    cuts: 0,
    cutsAtPattern: 0,
  };
  const connections = new Set<ProxyConnection>();
  let mode: ProxyMode = { kind: "pass" };
  // Each side ends by itself, as without a proxy.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (mode.kind === "refuse") {
      counts.refused++;
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    counts.connections++;
    const connection = createProxyConnection(client, { hostname, port: Number(port) }, counts, () =>
      connections.delete(connection),
    );
    connections.add(connection);
    connection.set(mode);
  });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  const url = new URL(serverUrl);
  url.hostname = host;
  url.port = String(address.port);
  const cut = () => {
    const all = [...connections];
    for (const connection of all) connection.cut();
    counts.cuts += all.length;
    return all.length;
  };
  return {
    url: url.href,
    counts,
    set: (next) => {
      mode = next.kind === "cut-at" ? { ...next, times: next.times ?? Number.POSITIVE_INFINITY } : next;
      for (const connection of [...connections]) connection.set(mode);
    },
    cut,
    connections: () => [...connections],
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const connection of [...connections]) connection.cut();
      await closed;
    },
  };
}
