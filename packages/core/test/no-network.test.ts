import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { expect, it } from "vitest";

it("refuses other hosts, and lets this machine through", async () => {
  const refused = await fetch("https://example.com").catch((error: Error) => error.cause);
  expect(String(refused)).toContain("may not reach example.com");
  expect(() => connect(80, "192.0.2.1")).toThrow("may not reach 192.0.2.1");

  const server = createServer((_request, response) => response.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const status = await new Promise((resolve) => {
    get({ host: "localhost", port, agent: false }, (response) => resolve(response.statusCode));
  });
  expect(status).toBe(200);
  server.close();
});
