import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, inject, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
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
