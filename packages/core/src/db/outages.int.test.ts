import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { afterAll, afterEach, expect, inject, test } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import { closeDatabase, inServiceTransaction, openDatabase } from "./database.ts";

const stack = await openTestStack();
const proxy = await openTcpProxy(stack.databaseUrl);
const timeoutMs = 800;
const database = openDatabase({
  url: proxy.url,
  role: "genq_worker",
  max: 3,
  prepare: true,
  timeoutMs,
});
const unavailable = { code: "database_unavailable", retryAfterSeconds: 5 };
const isServer = inject("template").kind !== "embedded";
afterEach(() => proxy.pass());
afterAll(async () => {
  await closeDatabase(database);
  await proxy.close();
});

const ask = () => inServiceTransaction(database, (sql) => sql`select 1 as answer`);
const askAll = (count: number) => Promise.allSettled(Array.from({ length: count }, ask));

function expectUnavailable(outcomes: PromiseSettledResult<unknown>[]): void {
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: unavailable });
}

/** Milliseconds until it answers again. */
async function recovered(): Promise<number> {
  const begun = performance.now();
  await expect
    .poll(
      () =>
        ask().then(
          () => true,
          () => false,
        ),
      { interval: 20 },
    )
    .toBe(true);
  return performance.now() - begun;
}

test("a server that falls silent costs each transaction its deadline, and no connection for longer", async () => {
  await askAll(3);
  proxy.swallow();
  for (let round = 0; round < 3; round++) {
    const begun = performance.now();
    expectUnavailable(await askAll(10));
    expect(performance.now() - begun).toBeLessThan(timeoutMs + 400);
  }
  proxy.pass();
  // Connections that were being made when it came back may still run into their own timeout of two seconds.
  expect(await recovered()).toBeLessThan(4000);
  await expect.poll(() => proxy.connections()).toBeLessThanOrEqual(3);
  const allAnswered = async () => (await askAll(10)).every(({ status }) => status === "fulfilled");
  await expect.poll(allAnswered).toBe(true);
});

test("a connection that falls silent in the middle of a transaction is let go", async () => {
  await askAll(3);
  const begun = performance.now();
  const stuck = inServiceTransaction(database, async (sql) => {
    await sql`select 1`;
    proxy.swallow();
    await sql`select 2`;
  });
  await expect(stuck).rejects.toMatchObject(unavailable);
  expect(performance.now() - begun).toBeLessThan(timeoutMs + 400);
  proxy.pass();
  await expect.poll(() => database.sockets.heard().size).toBeLessThanOrEqual(2);
  await recovered();
  // All slots are free again: one that waited for another's end would pass its deadline.
  if (!isServer) return;
  await expect
    .poll(async () => {
      const three = [1, 2, 3].map(() => inServiceTransaction(database, () => sleep(500)));
      return (await Promise.allSettled(three)).every(({ status }) => status === "fulfilled");
    })
    .toBe(true);
});

test("connections that are broken and refused are told at once", async () => {
  await ask();
  proxy.refuse();
  const begun = performance.now();
  expectUnavailable(await askAll(20));
  expect(performance.now() - begun).toBeLessThan(timeoutMs + 400);
  proxy.pass();
  await recovered();
});

test("a server that goes away as soon as a connection is made costs no more than the transaction", async () => {
  // A rejection that nobody handles would end a process.
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const server = createServer((socket) => {
    socket.once("data", () => {
      // AuthenticationOk and ReadyForQuery.
      socket.write(Buffer.from("520000000800000000" + "5a0000000549", "hex"));
      socket.once("data", () => {
        server.close();
        socket.destroy();
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = Object(server.address());
  const url = `postgres://nobody@127.0.0.1:${port}/none`;
  const gone = openDatabase({ url, role: "genq_worker", max: 1, prepare: true, timeoutMs });
  const asked = inServiceTransaction(gone, (sql) => sql`select 1`);
  await expect(asked).rejects.toMatchObject(unavailable);
  await expect(inServiceTransaction(gone, (sql) => sql`select 1`)).rejects.toMatchObject(unavailable);
  await closeDatabase(gone);
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("the pool's exhaustion is told within the deadline, and slow statements are ended", async () => {
  const slow = Promise.allSettled(
    [1, 2, 3].map(() =>
      inServiceTransaction(database, async (sql) => {
        // In pieces: PGlite has no statement timeout.
        for (let piece = 0; piece < 20; piece++) {
          await sql`select 1`;
          await sleep(100);
        }
      }),
    ),
  );
  const begun = performance.now();
  expectUnavailable(await askAll(5));
  expect(performance.now() - begun).toBeLessThan(timeoutMs + 300);
  expectUnavailable(await slow);
  expect(await recovered()).toBeLessThan(1000);
});

test.each(["before", "after"] as const)(
  "a connection that breaks %s COMMIT is unknown to the caller",
  async (when) => {
    // Unprepared, so that the word travels each time.
    const plain = openDatabase({ url: proxy.url, role: "genq_worker", max: 1, prepare: false });
    const broken = proxy.breakAt("commit", when);
    const written = inServiceTransaction(plain, async (sql) => {
      await sql`insert into workers (id) values (gen_random_uuid())`;
    });
    await expect(written).rejects.toMatchObject(unavailable);
    await broken;
    await closeDatabase(plain);
    const [row] = await inServiceTransaction(database, (sql) => sql`delete from workers returning id`);
    expect(row !== undefined).toBe(when === "after");
  },
);

test.runIf(isServer)("statements end on the server when the deadline passes", async () => {
  const sleeping = inServiceTransaction(database, (sql) => sql`select pg_sleep(30)`);
  await expect(sleeping).rejects.toMatchObject(unavailable);
  const admin = postgres(stack.databaseUrl, { max: 1 });
  await expect
    .poll(
      async () =>
        (
          await admin`select 1 from pg_stat_activity where query ~ 'pg_sleep\(30\)' and state = 'active' and pid <> pg_backend_pid()`
        ).length,
    )
    .toBe(0);
  await admin.end();
});

test.runIf(isServer)("terminated backends and a read-only server are told", async () => {
  const admin = postgres(stack.databaseUrl, { max: 1, onnotice: () => undefined });
  const name = new URL(stack.databaseUrl).pathname.slice(1);
  const set = (what: string) =>
    admin.unsafe(`set default_transaction_read_only = off; alter database "${name}" ${what}`);
  const terminate = () => admin`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'genq_worker' and datname = ${name}`;
  const sleeping = Promise.allSettled(
    [1, 2, 3].map(() => inServiceTransaction(database, (sql) => sql`select pg_sleep(0.5)`)),
  );
  await sleep(150);
  await terminate();
  expectUnavailable(await sleeping);
  await recovered();

  const write = () => inServiceTransaction(database, (sql) => sql`delete from workers`);
  await set("set default_transaction_read_only = on");
  await terminate();
  await expect
    .poll(() =>
      write().then(
        () => "",
        (error: Error) => String(Reflect.get(Object(error.cause), "code")),
      ),
    )
    .toBe("25006");
  await expect(write()).rejects.toMatchObject(unavailable);
  await set("reset default_transaction_read_only");
  // The failover is over: connections to the server that was read-only were let go.
  await expect
    .poll(() =>
      write().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await admin.end();
});
