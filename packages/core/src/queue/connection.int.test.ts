import { expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import { openPostgresPool } from "./connection.ts";

const stack = await openTestStack();

it("a connection of the queue's pool that ends while it is held fails its query, not the process", async () => {
  const proxy = await openTcpProxy(stack.databaseUrl);
  const pool = openPostgresPool({ url: proxy.url, prefix: "t" }, 1);
  const held = await pool.connect();
  expect(held.listenerCount("error")).toBeGreaterThan(0);
  proxy.refuse();
  await expect(held.query("select 1")).rejects.toThrow(/terminat|ECONNRESET/);
  held.release(true);
  proxy.pass();
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await pool.end();
  await proxy.close();
});
