import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * How storage fails: answers 500; answers late; sends half of an object, or does what it was asked and answers nothing;
 * resets the connection in the middle of a request.
 */
export const storageTroubles = ["error", "slow", "half", "reset"] as const;
type StorageTrouble = (typeof storageTroubles)[number];

/** A way to Supabase whose Storage can be broken; Auth always passes. */
export interface StorageProxy {
  readonly port: number;
  /** Requests that each trouble was done to. */
  readonly counts: Readonly<Record<StorageTrouble, number>>;
  set(trouble: StorageTrouble | undefined): void;
  close(): Promise<void>;
}

const slowMs = 4000;

/** Listens on all addresses. */
export async function openStorageProxy(supabaseUrl: string): Promise<StorageProxy> {
  const { hostname, port, host } = new URL(supabaseUrl);
  const counts: Record<StorageTrouble, number> = { error: 0, slow: 0, half: 0, reset: 0 };
  let current: StorageTrouble | undefined;

  const forward = (
    incoming: IncomingMessage,
    trouble: StorageTrouble | undefined,
    answer: ServerResponse,
  ) => {
    const { method, url: path, headers } = incoming;
    const outgoing = request({ agent: false, hostname, port, method, path, headers: { ...headers, host } });
    const cut = () => {
      outgoing.destroy();
      incoming.socket.destroy();
    };
    outgoing.on("error", cut);
    incoming.on("error", cut);
    answer.on("close", () => outgoing.destroy());
    outgoing.on("response", (response) => {
      response.on("error", cut);
      if (trouble === "half" && method !== "GET") return cut();
      answer.writeHead(response.statusCode ?? 502, response.headers);
      if (trouble === "half") passHalf(response, answer, cut);
      else response.pipe(answer);
      return undefined;
    });
    if (trouble === "reset") {
      incoming.once("data", (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, chunk.length / 2), cut);
      });
      incoming.once("end", cut);
    } else incoming.pipe(outgoing);
  };

  const server = createServer(async (incoming, answer) => {
    const trouble = incoming.url?.startsWith("/storage/v1/object") ? current : undefined;
    if (trouble !== undefined) counts[trouble]++;
    if (trouble === "error") {
      incoming.resume();
      await once(incoming, "close").catch(() => undefined);
      answer.writeHead(500, { "content-type": "application/json" });
      answer.end('{"statusCode":"500","error":"internal","message":"storage is broken on purpose"}');
      return;
    }
    if (trouble === "slow") await sleep(slowMs);
    forward(incoming, trouble, answer);
  });
  server.listen(0);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has an address.");
  return {
    port: address.port,
    counts,
    set: (trouble) => {
      current = trouble;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Half of what its length says, or of the first piece. */
function passHalf(response: IncomingMessage, answer: ServerResponse, cut: () => void): void {
  let left = Math.floor(Number(response.headers["content-length"] ?? 0) / 2);
  response.on("data", (chunk: Buffer) => {
    left ||= Math.ceil(chunk.length / 2);
    const part = chunk.subarray(0, left);
    left -= part.length;
    if (left > 0) answer.write(part);
    else answer.write(part, cut);
  });
  response.on("end", cut);
}
