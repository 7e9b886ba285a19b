import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** A port that is free together with the two after it, as the standalone edition needs them. */
export async function freePorts(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const address = first?.address();
    if (first === undefined || address === null || typeof address !== "object") continue;
    const { port } = address;
    const others = [await listen(port + 1), await listen(port + 2)];
    await Promise.all([first, ...others].map((server) => server && close(server)));
    if (others.every((server) => server !== undefined)) return port;
  }
}

async function listen(port: number): Promise<Server | undefined> {
  if (port > 65_535) return undefined;
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
