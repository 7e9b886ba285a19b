import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Gateway } from "./gateway.ts";
import { closeStatement, type Frame, FrameReader, frame, query, readText, sync } from "./wire.ts";

let engine: PGlite;
let gateway: Gateway;
let port: number;
const clients = new Set<Client>();

beforeAll(async () => {
  engine = await PGlite.create();
  gateway = new Gateway({
    engine,
    password: "secret",
    silence: { idleMs: 300, againMs: 20 },
    maxConnections: 20,
    signInMs: 1000,
    onFailure: (error) => expect.unreachable(String(error)),
  });
  port = await gateway.listen(0);
});
afterEach(() => {
  for (const client of clients) {
    client.socket.destroy();
  }
  clients.clear();
});
afterAll(async () => {
  await gateway.close();
  await engine.close();
});

/** A client that sends messages one by one, as no driver would let a test do. */
class Client {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  readonly #frames: Frame[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => this.#wake());
    socket.on("data", (chunk) => {
      this.#reader.push(chunk);
      for (let next = this.#reader.next(); next; next = this.#reader.next()) {
        this.#frames.push(next);
      }
      this.#wake();
    });
  }

  static async open(options = "", password = "secret"): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const client = new Client(socket);
    clients.add(client);
    client.send(
      frame("", Buffer.from([0, 3, 0, 0]), `user\0postgres\0options\0${options}\0\0`),
      frame("p", `${password}\0`),
    );
    await client.until("Z");
    return client;
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** The values of all rows up to the next message of a type; an error's code instead of rows. */
  async until(type: string): Promise<string[]> {
    const seen: string[] = [];
    for (;;) {
      const next = this.#frames.shift();
      if (!next) {
        if (this.socket.destroyed || this.socket.readableEnded) {
          return [...seen, "closed"];
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (next.type === "D") {
        seen.push(next.bytes.toString("utf8", 11));
      } else if (next.type === "E") {
        seen.push(`error ${/\0C(\w{5})/.exec(next.bytes.toString())?.[1]}`);
      } else if (next.type === "A") {
        seen.push(`notified ${readText(next.bytes, readText(next.bytes, 9).end).text}`);
      }
      if (next.type === type) {
        return seen;
      }
    }
  }

  query(sql: string): Promise<string[]> {
    this.send(query(sql));
    return this.until("Z");
  }
}

const parse = (sql: string, name = "") => frame("P", `${name}\0${sql}\0`, Buffer.from([0, 0]));
const bind = (name = "") => frame("B", `\0${name}\0`, Buffer.alloc(6));
const describeStatement = frame("D", "S\0");
const execute = frame("E", "\0", Buffer.alloc(4));
const flush = frame("H");

test("nobody's messages come between those of one query", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  // What postgres.js does: ask about the unnamed statement first, run it after the answer.
  a.send(parse("select 'a'"), describeStatement, flush);
  await a.until("T");
  b.send(parse("select 'b'"), bind(), execute, sync);
  await new Promise((resolve) => setTimeout(resolve, 50));
  a.send(bind(), execute, sync);
  expect(await a.until("Z")).toEqual(["a"]);
  expect(await b.until("Z")).toEqual(["b"]);
});

test("an error ends the query of the one who made it", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  a.send(parse("select nonsense"), flush);
  expect(await a.until("E")).toEqual(["error 42703"]);
  b.send(query("select 'fine'"));
  a.send(sync);
  await a.until("Z");
  expect(await b.until("Z")).toEqual(["fine"]);
});

test("a transaction keeps the others out until it ends, and ends with its client", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  await a.query("create table kept (n int)");
  await a.query("begin; insert into kept values (1)");
  b.send(query("select count(*) from kept"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  a.socket.destroy();
  expect(await b.until("Z")).toEqual(["0"]);
});

test("a transaction that is left alone is rolled back", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  await a.query("begin");
  expect(await b.query("select 1")).toEqual(["1"]);
  expect(await a.until("Z")).toEqual(["error 25P03", "closed"]);
});

test("what others send does not prolong the time that a transaction is left alone", async () => {
  const [silent, waiting, busy] = [await Client.open(), await Client.open(), await Client.open()];
  await silent.query("begin");
  waiting.send(query("select 1"));
  const knocks = setInterval(() => busy.send(query("select 2")), 50);
  const served = waiting.until("Z").then(([row]) => row);
  const late = new Promise((resolve) => setTimeout(resolve, 3000, "not served"));
  expect(await Promise.race([served, late])).toBe("1");
  clearInterval(knocks);
});

test("all connections of a process that is stopped hold up the others for little longer than one", async () => {
  const ofStopped = () => Client.open("-c application_name=stopped");
  const stopped = await Promise.all(Array.from({ length: 10 }, ofStopped));
  const other = await Client.open();
  for (const one of stopped) one.send(query("begin"));
  const begun = performance.now();
  expect(await other.query("select 1")).toEqual(["1"]);
  expect(performance.now() - begun).toBeLessThan(1500);
  for (const one of stopped) expect(await one.until("E")).toEqual(["error 25P03"]);
  const awake = await ofStopped();
  await awake.query("begin");
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(await awake.query("select 2")).toEqual(["2"]);
  expect(await awake.query("commit")).toEqual([]);
});

test("a client that still sends is not left alone", async () => {
  const slow = await Client.open();
  await slow.query("begin");
  const message = query(`select '${"x".repeat(100)}'`);
  for (let sent = 0; sent < 100; sent += 10) {
    slow.send(message.subarray(sent, sent + 10));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  slow.send(message.subarray(100));
  expect(await slow.until("Z")).toEqual(["x".repeat(100)]);
});

test("a client that does not read is ended as well", async () => {
  const [deaf, other] = [await Client.open(), await Client.open()];
  deaf.socket.pause();
  deaf.send(query("begin"), query("select repeat('x', 50000000)"));
  expect(await other.query("select 1")).toEqual(["1"]);
});

test("prepared statements of the same name do not meet, and go with their connection", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  for (const [client, text] of [
    [a, "a"],
    [b, "b"],
  ] as const) {
    client.send(parse(`select '${text}'`, "s1"), sync);
    expect(await client.until("Z")).toEqual([]);
  }
  for (const [client, text] of [
    [a, "a"],
    [b, "b"],
  ] as const) {
    client.send(bind("s1"), execute, sync);
    expect(await client.until("Z")).toEqual([text]);
  }
  a.send(closeStatement("s1"), sync);
  await a.until("Z");
  b.socket.destroy();
  await expect.poll(() => a.query("select count(*) from pg_prepared_statements")).toEqual(["0"]);
});

test("each connection keeps the settings of its start", async () => {
  const show = "select current_setting('search_path')";
  const [a, b, plain] = [
    await Client.open("-c search_path=alpha"),
    await Client.open("-c search_path=beta"),
    await Client.open(),
  ];
  for (let round = 0; round < 2; round++) {
    expect(await a.query(show)).toEqual(["alpha"]);
    expect(await plain.query(show)).toEqual(["public"]);
    expect(await b.query(show)).toEqual(["beta"]);
  }
  const refused = await Client.open("-c no_such_setting=1");
  expect(refused.socket.readableEnded || refused.socket.destroyed).toBe(true);
});

test("notifications reach those who listen, and only them", async () => {
  const [a, b, sender] = [await Client.open(), await Client.open(), await Client.open()];
  await a.query("-- as BullMQ writes it\nLISTEN rings");
  await b.query('listen "rings"');
  await sender.query("select pg_notify('rings', 'one')");
  expect(await a.until("A")).toEqual(["notified one"]);
  expect(await b.until("A")).toEqual(["notified one"]);
  await a.query("unlisten *");
  await sender.query("notify rings, 'two'");
  expect(await b.until("A")).toEqual(["notified two"]);
  expect(await a.query("select 'nothing'")).toEqual(["nothing"]);
});

test("COPY from the client, whole, failed and refused", async () => {
  const a = await Client.open();
  await a.query("create table copied (n int)");
  a.send(query("copy copied from stdin"));
  await a.until("G");
  a.send(frame("d", "1\n2\n"), frame("d", "3\n"), frame("c"));
  expect(await a.until("Z")).toEqual([]);
  a.send(query("copy copied from stdin"));
  await a.until("G");
  a.send(frame("d", "4\n"), frame("f", "no\0"));
  expect(await a.until("Z")).toEqual(["error 57014"]);
  a.send(query("copy nowhere from stdin"));
  await a.until("G");
  a.send(frame("d", "4\n"), frame("c"));
  expect(await a.until("Z")).toEqual(["error 42P01"]);
  expect(await a.query("select count(*) from copied")).toEqual(["3"]);
});

test("COPY by a prepared statement, each time that it runs", async () => {
  const a = await Client.open();
  await a.query("create table prepared_copy (n int)");
  a.send(parse("copy prepared_copy from stdin", "s1"), sync);
  expect(await a.until("Z")).toEqual([]);
  for (const row of ["1\n", "2\n"]) {
    a.send(bind("s1"), execute, sync);
    await a.until("G");
    a.send(frame("d", row), frame("c"), sync);
    expect(await a.until("Z")).toEqual([]);
  }
  expect(await a.query("select count(*) from prepared_copy")).toEqual(["2"]);
});

test("a client that dies in the middle of a COPY leaves nothing", async () => {
  const [a, b] = [await Client.open(), await Client.open()];
  await b.query("create table cut_copy (n int)");
  await a.query("begin; insert into cut_copy values (0)");
  a.send(query("copy cut_copy from stdin"));
  await a.until("G");
  a.send(frame("d", "1\n"));
  a.socket.destroy();
  expect(await b.query("select count(*) from cut_copy")).toEqual(["0"]);
});

test("a client that reads nothing is not listened to until it does", async () => {
  const [slow, other] = [await Client.open(), await Client.open()];
  const length = 500_000;
  const rounds = 60;
  slow.socket.pause();
  for (let round = 0; round < rounds; round++) slow.send(query(`select '${"x".repeat(length)}'`));
  for (let round = 0; round < 50; round++) expect(await other.query("select 'served'")).toEqual(["served"]);
  expect(slow.socket.writableLength).toBeGreaterThan(0);
  slow.socket.resume();
  for (let round = 0; round < rounds; round++) expect((await slow.until("Z"))[0]?.length).toBe(length);
});

test("nobody announces a long message before the password", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("POST / HTTP/1.1\r\n\r\n");
  await once(socket, "close");
});

test("a wrong password and a wrong protocol are turned away", async () => {
  const wrong = await Client.open("", "guess");
  expect(wrong.socket.readableEnded || wrong.socket.destroyed).toBe(true);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(Buffer.from([0, 0, 0, 1, 9, 9, 9, 9]));
  await once(socket, "close");
  expect(await (await Client.open()).query("select 'alive'")).toEqual(["alive"]);
});

test("connections that never give the password do not take all the places", async () => {
  const silent = Array.from({ length: 25 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  const closed = silent.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  for (const socket of silent) socket.write(Buffer.from([0, 0, 0]));
  await Promise.all(closed);
  expect(await (await Client.open()).query("select 'alive'")).toEqual(["alive"]);
});
