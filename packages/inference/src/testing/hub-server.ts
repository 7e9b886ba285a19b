import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { bundledModelsFolder } from "../bundled-models.ts";

export interface HubServer {
  url: string;
  /** Method, path and range of each request. */
  requests: string[];
  /** Bytes of a body after which the connection breaks; undefined for never. */
  cutAfterBytes: number | undefined;
  /** Bytes of a body after which nothing more comes; undefined for never. */
  stallAfterBytes: number | undefined;
  /** How many more requests are answered with 503. */
  failures: number;
  /** Whether the server knows ranges. */
  ranges: boolean;
  /** Overrides the checksum that the server tells for the weights. */
  checksum: string | undefined;
  /** Files that stand for those of the mini embedder, by their path in a repository; null for one that is not there. */
  files: Map<string, Buffer | null>;
  close(): Promise<void>;
}

/** A hub that serves the mini embedder's files under any model's name: weights by a redirect to a CDN, as the hub does. */
export async function startHubServer(): Promise<HubServer> {
  const http = createServer((request, response) => {
    answer(hub, request, response).catch(() => response.destroy());
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (!address || typeof address === "string") throw new Error("The server has no port.");
  const hub: HubServer = {
    url: `http://127.0.0.1:${address.port}`,
    requests: [],
    cutAfterBytes: undefined,
    stallAfterBytes: undefined,
    failures: 0,
    ranges: true,
    checksum: undefined,
    files: new Map(),
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
  return hub;
}

async function answer(hub: HubServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "";
  const range = hub.ranges ? request.headers.range : undefined;
  hub.requests.push(`${request.method} ${path}${range ? ` ${range}` : ""}`);
  if (hub.failures > 0) {
    hub.failures -= 1;
    response.writeHead(503).end();
    return;
  }
  const file = /^\/(?:cdn|[^/]+\/[^/]+\/resolve\/main)\/(.+)$/.exec(path)?.[1] ?? "";
  const own = join(bundledModelsFolder, "genq/mini-embedder", file.replace("_quantized", ""));
  const content = hub.files.has(file) ? hub.files.get(file) : await readFile(own).catch(() => undefined);
  if (!content) {
    response.writeHead(404).end("Entry not found");
    return;
  }
  if (file.endsWith(".onnx") && !path.startsWith("/cdn/")) {
    const checksum = hub.checksum ?? createHash("sha256").update(content).digest("hex");
    const linked = { "x-linked-size": content.length, "x-linked-etag": `"${checksum}"` };
    response.writeHead(302, { ...linked, location: `/cdn/${file}` }).end();
    return;
  }
  send(hub, request, response, content, range);
}

function send(
  hub: HubServer,
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  range?: string,
): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (start >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  const body = content.subarray(start);
  const etag = `"${createHash("sha1").update(content).digest("hex")}"`;
  const partial = range && { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` };
  response.writeHead(partial ? 206 : 200, { etag, "content-length": body.length, ...partial });
  if (request.method === "HEAD") response.end();
  else if (hub.stallAfterBytes !== undefined && body.length > hub.stallAfterBytes)
    response.write(body.subarray(0, hub.stallAfterBytes));
  else if (hub.cutAfterBytes === undefined || body.length <= hub.cutAfterBytes) response.end(body);
  else response.write(body.subarray(0, hub.cutAfterBytes), () => response.destroy());
}
