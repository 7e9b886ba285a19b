import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, inject, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import { closeDatabase, inServiceTransaction, openDatabase } from "./database.ts";

const stack = await openTestStack();

test("a connection that ends in a transaction costs that transaction, not the process", async () => {
  const { hostname, port } = new URL(stack.databaseUrl);
  const clients = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(Number(port || 5432), hostname);
    clients.add(client);
    client.pipe(upstream).pipe(client);
    client.on("error", () => undefined).on("close", () => upstream.destroy());
    upstream.on("error", () => undefined).on("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  const url = new URL(stack.databaseUrl);
  if (typeof address === "object" && address) url.port = String(address.port);
  const database = openDatabase({ url: url.href, role: "genq_worker", max: 1, prepare: true });

  for (const pauseMs of [0, 50]) {
    const work = inServiceTransaction(database, async (sql) => {
      await sql`select 1`;
      for (const client of clients) client.destroy();
      await sleep(pauseMs);
      await sql`select 2`;
    });
    await expect(work).rejects.toMatchObject({ code: "database_unavailable" });
    const [row] = await inServiceTransaction(database, (sql) => sql`select 3 as answer`);
    expect(row?.["answer"]).toBe(3);
  }
  await closeDatabase(database);
  proxy.close();
});

test("a transaction whose connection ended commits nothing of the next one on it", async () => {
  const proxy = await openTcpProxy(stack.databaseUrl);
  const database = openDatabase({ url: proxy.url, role: "genq_worker", max: 1, prepare: true });
  const written = Promise.withResolvers<void>();
  const lost = inServiceTransaction(database, async (sql) => {
    await sql`select 1`;
    proxy.refuse();
    proxy.pass();
    await written.promise;
  });
  await expect(lost).rejects.toMatchObject({ code: "database_unavailable" });
  const next = inServiceTransaction(database, async (sql) => {
    await sql`insert into workers (id) values (gen_random_uuid())`;
    written.resolve();
    await sleep(100);
    throw new RangeError("not written after all");
  });
  await expect(next).rejects.toThrow(RangeError);
  expect(await inServiceTransaction(database, (sql) => sql`select id from workers`)).toEqual([]);
  await closeDatabase(database);
  await proxy.close();
});

test("a server lets go of clients that fall silent; the embedded one does so by its gateway, not by a timeout", async () => {
  const database = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 1, prepare: false });
  const [row] = await inServiceTransaction(
    database,
    (sql) => sql`select current_setting('idle_in_transaction_session_timeout') as idle`,
    { timeoutMs: 3000 },
  );
  expect(row?.["idle"]).toBe(inject("template").kind === "embedded" ? "0" : "8s");
  await closeDatabase(database);
});
