import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { closeConnections } from "../testing/close-connections.ts";
import { openStorageProxy } from "./storage-proxy.ts";

afterAll(closeConnections);

const object = Buffer.alloc(200_000, "x");

async function openStorage() {
  const uploads: number[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (request.method === "POST" && body !== undefined) uploads.push(body.length);
    response.setHeader("content-length", object.length);
    response.end(object);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  const proxy = await openStorageProxy(`http://127.0.0.1:${address.port}`);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  const url = `http://127.0.0.1:${proxy.port}`;
  const download = async (path = "/storage/v1/object/one") => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
  const upload = () => fetch(`${url}/storage/v1/object/two`, { method: "POST", body: object });
  return { proxy, download, upload, uploads };
}

test("it passes both ways, and signs of trouble are for objects alone", async () => {
  const { proxy, download, upload, uploads } = await openStorage();
  expect((await download()).body.equals(object)).toBe(true);
  expect((await upload()).status).toBe(200);
  expect(uploads).toEqual([object.length]);
  proxy.set("error");
  expect((await download("/auth/v1/token")).status).toBe(200);
  expect(proxy.counts.error).toBe(0);
});

test("error answers 500 and asks nobody", async () => {
  const { proxy, download, upload, uploads } = await openStorage();
  proxy.set("error");
  expect([(await download()).status, (await upload()).status]).toEqual([500, 500]);
  expect(uploads).toEqual([]);
  expect(proxy.counts.error).toBe(2);
});

test("half breaks a download off, and does an upload that it does not answer", async () => {
  const { proxy, download, upload, uploads } = await openStorage();
  proxy.set("half");
  await expect(download()).rejects.toThrow();
  await expect(upload()).rejects.toThrow();
  expect(uploads).toEqual([object.length]);
  expect(proxy.counts.half).toBe(2);
});

test("reset breaks a request off before it is whole", async () => {
  const { proxy, download, upload, uploads } = await openStorage();
  proxy.set("reset");
  await expect(upload()).rejects.toThrow();
  await expect(download()).rejects.toThrow();
  expect(uploads).toEqual([]);
  proxy.set(undefined);
  expect((await download()).status).toBe(200);
});
