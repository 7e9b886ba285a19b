import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can fail as networks do. */
export interface TcpProxy {
  /** The server's URL with the proxy's host and port. */
  readonly url: string;
  pass(): void;
  /** Breaks all connections and refuses new ones. */
  refuse(): void;
  /** Half-open: connections stay, are still accepted, and no byte comes through them ever again, whatever is next. */
  swallow(): void;
  /**
   * Breaks the next connection whose client sends this text: before the server gets it, or once the server has
   * answered, which the client does not hear.
   */
  breakAt(text: string, when: "before" | "after"): Promise<void>;
  connections(): number;
  close(): Promise<void>;
}

interface Break {
  text: string;
  when: "before" | "after";
  done: () => void;
}

export async function openTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const server = new URL(serverUrl);
  const pairs = new Set<{ client: Socket; upstream: Socket; dead: boolean }>();
  let mode: "pass" | "refuse" | "swallow" = "pass";
  let next: Break | undefined;
  const proxy = createServer((client) => {
    if (mode === "refuse") return void client.destroy();
    const upstream = connect(Number(server.port), server.hostname);
    const pair = { client, upstream, dead: mode === "swallow" };
    pairs.add(pair);
    let broken: Break | undefined;
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    client.on("data", (bytes) => {
      if (pair.dead) return;
      if (next !== undefined && bytes.includes(next.text)) {
        broken = next;
        next = undefined;
        if (broken.when === "before") {
          broken.done();
          return end();
        }
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (broken !== undefined) {
        broken.done();
        return end();
      }
      if (!pair.dead) client.write(bytes);
    });
    client.on("error", end).on("close", end);
    // That the server hangs up does not come through either.
    const upstreamGone = () => (pair.dead ? upstream.destroy() : end());
    upstream.on("error", upstreamGone).on("close", upstreamGone);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  const url = new URL(serverUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const breakAll = () => {
    for (const { client, upstream } of pairs) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    url: url.href,
    pass: () => {
      mode = "pass";
    },
    refuse: () => {
      mode = "refuse";
      breakAll();
    },
    swallow: () => {
      mode = "swallow";
      for (const pair of pairs) pair.dead = true;
    },
    breakAt: (text, when) =>
      new Promise((done) => {
        next = { text, when, done };
      }),
    connections: () => pairs.size,
    close: async () => {
      breakAll();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
