import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { lifeLine } from "../process/service.ts";
import { frame, query } from "./wire.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-fatal-"));
const port = await freePort();
const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const children: ChildProcess[] = [];
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address ? address.port : 0;
}

async function start(): Promise<{ child: ChildProcess; said: () => string }> {
  const env = { GENQ_DATA_DIR: folder, PORT: String(port), POSTGRES_PASSWORD: "secret" };
  const execArgv = ["--import", lifeLine];
  const child = fork(main, { env, execArgv, stdio: ["ignore", "ignore", "pipe", "ipc"] });
  children.push(child);
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const [report] = await Promise.race([once(child, "message"), once(child, "exit")]);
  expect(report).toEqual({ type: "ready" });
  return { child, said: () => text };
}

/** A client, and all that it was ever answered. */
async function signIn(): Promise<{
  send: (sql: string) => void;
  answered: (answer: string) => Promise<void>;
  end: () => void;
}> {
  const socket = connect(port, "127.0.0.1").on("error", () => undefined);
  let answers = "";
  socket.setEncoding("latin1").on("data", (more: string) => {
    answers += more;
  });
  await once(socket, "connect");
  socket.write(frame("", Buffer.from([0, 3, 0, 0]), "user\0postgres\0\0"));
  socket.write(frame("p", "secret\0"));
  return {
    send: (sql) => void socket.write(query(sql)),
    answered: async (answer) => await expect.poll(() => answers, { timeout: 10_000 }).toContain(answer),
    end: () => void socket.destroy(),
  };
}

test("a session that Postgres ends takes the process along, and what was committed is there after", async () => {
  const { child, said } = await start();
  const first = await signIn();
  first.send("create table kept as select 'committed' as word");
  await first.answered("SELECT 1");
  const ended = once(child, "exit");
  first.send("begin; set local idle_in_transaction_session_timeout = 100");
  await first.answered("SET");
  // As after a sleep of the machine: Postgres' own clock runs out, and the gateway has not seen the silence yet.
  await sleep(500);
  first.send("select 1");
  expect(await ended).toEqual([1, null]);
  await expect.poll(said).toContain("FATAL 25P03");
  first.end();

  await start();
  const second = await signIn();
  second.send("select word from kept");
  await second.answered("committed");
  second.end();
}, 60_000);
