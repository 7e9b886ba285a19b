import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { addressPolicy, parseNetworks } from "./address-policy.ts";
import { createWebhookSender, type SenderOptions, type WebhookSender } from "./send-webhook.ts";
import { testCertificate } from "./testing/tls-certificate.ts";
import { checkWebhookUrl } from "./webhook-url.ts";

const senders: WebhookSender[] = [];
const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
afterAll(() => Promise.all(senders.map((sender) => sender.close())));

const nothingInside = addressPolicy([]);
const loopback = addressPolicy(parseNetworks("127.0.0.0/8"));

function send(url: string, options: Partial<SenderOptions> = {}) {
  const sender = createWebhookSender({ policy: loopback, timeoutMs: 800, ...options });
  senders.push(sender);
  return sender.send({ url, headers: { "webhook-id": "1" }, body: "{}" });
}

/** Listens on a port of its own; `connections` counts what came. */
async function listen(server: Server, options: { host?: string; port?: number } = {}) {
  const sockets = new Set<Socket>();
  servers.push({ server, sockets });
  const seen = { connections: 0, port: 0 };
  server.on("connection", (socket: Socket) => {
    seen.connections++;
    sockets.add(socket);
  });
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  seen.port = typeof address === "object" && address ? address.port : 0;
  return seen;
}
const receive = (listener: RequestListener) => listen(createServer(listener));

describe("an address inside", () => {
  const forms = [
    ..."127.0.0.1 127.1 2130706433 0177.0.0.1 017700000001 0x7f.1 0x7f000001 localhost".split(" "),
    ..."[::ffff:127.0.0.1] [::ffff:7f00:1] 127.0.0.1.".split(" "),
  ];
  it.each(forms)("written as %s is not connected to", async (host) => {
    const receiver = await receive((_request, response) => response.end());
    const options = { policy: nothingInside, resolve: () => Promise.resolve(["127.0.0.1"]) };
    for (const protocol of ["http", "https"]) {
      const outcome = await send(`${protocol}://${host}:${receiver.port}/`, options);
      expect(outcome).toMatchObject({ error: "address_refused", statusCode: null });
    }
    expect(receiver.connections).toBe(0);
  });

  it("to which a name leads on the second look-up is not connected to", async () => {
    const receiver = await receive((_request, response) => response.end());
    const answers = [["93.184.215.14"], ["127.0.0.1"]];
    const resolve = () => Promise.resolve(answers.shift() ?? []);
    const url = `https://rebound.example:${receiver.port}/`;
    await checkWebhookUrl(nothingInside, url, resolve);
    expect(await send(url, { policy: nothingInside, resolve })).toMatchObject({ error: "address_refused" });
    expect(answers).toEqual([]);
    expect(receiver.connections).toBe(0);
  });

  it("among the addresses of a name is left out", async () => {
    const inside = await listen(
      createServer((_request, response) => response.end()),
      { host: "127.0.0.1" },
    );
    const outside = await listen(
      createServer((_request, response) => response.end()),
      { host: "127.0.0.2", port: inside.port },
    );
    const policy = addressPolicy(parseNetworks("127.0.0.2/32"));
    const resolve = () => Promise.resolve(["127.0.0.1", "127.0.0.2"]);
    expect(await send(`http://both.example:${inside.port}/`, { policy, resolve })).toMatchObject({
      statusCode: 200,
    });
    expect([inside.connections, outside.connections]).toEqual([0, 1]);
  });

  it("to which a receiver redirects is not asked", async () => {
    const inside = await receive((_request, response) => response.end("secret"));
    for (const status of [301, 302, 303, 307, 308]) {
      const receiver = await receive((_request, response) => {
        response.writeHead(status, { location: `http://127.0.0.1:${inside.port}/` }).end("elsewhere");
      });
      const outcome = await send(`http://127.0.0.1:${receiver.port}/`);
      expect(outcome).toMatchObject({ statusCode: status, response: "elsewhere" });
    }
    expect(inside.connections).toBe(0);
  });
});

describe("a receiver", () => {
  it("gets one POST with the body and the headers, on a connection of its own", async () => {
    const seen: unknown[] = [];
    const receiver = await receive((request, response) => {
      void buffer(request).then((body) => {
        seen.push([request.method, request.url, request.headers, body.toString()]);
        response.end("thanks");
      });
    });
    const outcome = await send(`http://127.0.0.1:${receiver.port}/a?b=c#d`);
    expect(outcome).toMatchObject({ statusCode: 200, response: "thanks", error: null });
    const headers = expect.objectContaining({
      "content-type": "application/json",
      "webhook-id": "1",
      connection: "close",
    });
    expect(seen).toEqual([["POST", "/a?b=c", headers, "{}"]]);
  });

  it("that sends its headers byte by byte is given up on in time", async () => {
    const receiver = await listen(
      createTcpServer((socket) => {
        socket.write("HTTP/1.1 200 OK\r\nx-slow: ");
        const timer = setInterval(() => socket.write("a"), 20);
        socket.on("close", () => clearInterval(timer)).on("error", () => undefined);
      }),
    );
    const outcome = await send(`http://127.0.0.1:${receiver.port}/`);
    expect(outcome).toMatchObject({ error: "timed_out", statusCode: null });
    expect(outcome.ms).toBeLessThan(5000);
  });

  it("that never answers is given up on in time", async () => {
    const receiver = await receive(() => undefined);
    const outcome = await send(`http://127.0.0.1:${receiver.port}/`);
    expect(outcome).toMatchObject({ error: "timed_out", statusCode: null });
    expect(outcome.ms).toBeGreaterThan(700);
    expect(outcome.ms).toBeLessThan(5000);
  });

  it("whose answer never ends is cut off", async () => {
    let sent = 0;
    const receiver = await receive((_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(16_384))) sent += 16_384;
      };
      response.on("drain", more).on("error", () => undefined);
      more();
    });
    const outcome = await send(`http://127.0.0.1:${receiver.port}/`, { timeoutMs: 20_000 });
    expect(outcome).toMatchObject({ statusCode: 200, response: "x".repeat(1024) });
    expect(outcome.ms).toBeLessThan(5000);
    expect(sent).toBeLessThan(8 * 2 ** 20);
  });

  it("whose answer trickles or breaks off counts by its status", async () => {
    const trickling = await receive((_request, response) => {
      const timer = setInterval(() => response.write("a"), 50);
      response.on("close", () => clearInterval(timer));
    });
    const trickled = await send(`http://127.0.0.1:${trickling.port}/`);
    expect(trickled).toMatchObject({ statusCode: 200, error: null });
    expect(trickled.ms).toBeLessThan(5000);
    const breaking = await receive((request, response) => {
      response
        .writeHead(202, { "content-length": "100" })
        .write("half", () => request.socket.resetAndDestroy());
    });
    expect(await send(`http://127.0.0.1:${breaking.port}/`)).toMatchObject({ statusCode: 202, error: null });
  });

  it("that resets, listens nowhere, or speaks no HTTP is named so", async () => {
    const resetting = await receive((request) => void request.socket.resetAndDestroy());
    expect(await send(`http://127.0.0.1:${resetting.port}/`)).toMatchObject({ error: "connection_failed" });
    const babbling = await listen(createTcpServer((socket) => void socket.end("SSH-2.0-x\r\n")));
    expect(await send(`http://127.0.0.1:${babbling.port}/`)).toMatchObject({ error: "request_failed" });
    const { port } = await receive(() => undefined);
    servers.at(-1)?.server.close();
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ error: "connection_failed" });
    const resolve = () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
    expect(await send("http://nowhere.example/", { resolve })).toMatchObject({ error: "name_not_resolved" });
  });

  it("tells when it wants to be asked again", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
    for (const [header, least, most] of [
      ["120", 120, 120],
      [inAnHour, 3590, 3600],
      ["soon", null, null],
      ["Wed, 21 Oct 2015 07:28:00 GMT", 0, 0],
    ] as const) {
      const receiver = await receive((_request, response) =>
        response.writeHead(503, { "retry-after": header }).end(),
      );
      const { retryAfterSeconds } = await send(`http://127.0.0.1:${receiver.port}/`);
      if (least === null) expect(retryAfterSeconds).toBeNull();
      else expect(retryAfterSeconds).toSatisfy((seconds: number) => seconds >= least && seconds <= most);
    }
  });
});

describe("TLS", () => {
  const resolve = () => Promise.resolve(["127.0.0.1"]);
  const start = () => listen(createTlsServer(testCertificate, (_request, response) => response.end("hello")));

  it("is verified against the name in the URL", async () => {
    const { port } = await start();
    const ca = testCertificate.cert;
    expect(await send(`https://hook.example:${port}/`, { resolve, ca })).toMatchObject({ statusCode: 200 });
    expect(await send(`https://127.0.0.1:${port}/`, { ca })).toMatchObject({ statusCode: 200 });
    expect(await send(`https://other.example:${port}/`, { resolve, ca })).toMatchObject({
      error: "tls_failed",
    });
    expect(await send(`https://hook.example:${port}/`, { resolve })).toMatchObject({ error: "tls_failed" });
  });
});
