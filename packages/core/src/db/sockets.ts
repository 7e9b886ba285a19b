import { Socket } from "node:net";

/** The part of the driver's own options that says where the server is; more than one host is tried in turn. */
interface Address {
  host: string[];
  port: number[];
  path: string | false | undefined;
}

/** How much each open connection had heard from the server at one time. */
export type Heard = ReadonlyMap<Socket, number>;

/** The sockets of a pool. The driver would wait for an answer forever, and has no way to close just one. */
export interface Sockets {
  /** The driver's `socket` option: opens one. */
  open(address: Address): Socket;
  heard(): Heard;
  /** Destroys the connections that have heard nothing since: the server is gone from them, or they are idle. */
  dropSilentSince(before: Heard): void;
  /** Destroys all: what they reach is not the server to talk to any more. */
  dropAll(): void;
}

export function createSockets(): Sockets {
  const sockets = new Set<Socket>();
  let attempts = 0;
  return {
    open: ({ host, port, path }) => {
      const socket = new Socket();
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      const which = attempts++ % host.length;
      const address = path ? { path } : { host: host[which] ?? "localhost", port: port[which] ?? 5432 };
      // The driver reads the name that TLS has to prove from here.
      Object.assign(socket, { host: host[which] });
      // Only then does the driver listen for its errors; by one that was dropped before, it does not any more.
      setImmediate(() => {
        if (!socket.destroyed) socket.connect(address);
      });
      return socket;
    },
    heard: () => new Map([...sockets].map((socket) => [socket, socket.bytesRead])),
    dropSilentSince: (before) => {
      for (const [socket, bytes] of before) {
        // One that never heard anything still connects, which has a timeout of its own.
        if (bytes > 0 && socket.bytesRead === bytes) socket.destroy();
      }
    },
    dropAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
