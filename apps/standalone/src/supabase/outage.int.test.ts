import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { loadKeys } from "../keys.ts";
import { entries, postgresEnvironment, type Setting, supabaseEnvironment } from "../plan.ts";
import { lifeLine } from "../process/service.ts";

const folder = await mkdtemp(join(tmpdir(), "genq-outage-"));
const ports = { api: await freePort(), postgres: await freePort(), supabase: await freePort() };
const setting: Setting = { ports, dataFolder: folder, keys: loadKeys(folder), inherited: process.env };
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

async function start(entry: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const execArgv = ["--import", lifeLine];
  const child = fork(entry, { env, execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  children.push(child);
  const [report] = await Promise.race([once(child, "message"), once(child, "exit")]);
  expect(report).toEqual({ type: "ready" });
  return child;
}

const startPostgres = () => start(entries.postgres, postgresEnvironment(setting));

/** What a client of Supabase's storage is answered. */
async function status(): Promise<number> {
  const key = setting.keys.secret_key;
  const url = `http://127.0.0.1:${ports.supabase}/storage/v1/bucket/genq`;
  const headers = { apikey: key, authorization: `Bearer ${key}` };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) });
  await response.body?.cancel();
  return response.status;
}

test("Supabase lives through deaths of Postgres under load, and answers again when it is back", async () => {
  let postgres = await startPostgres();
  const supabase = await start(entries.supabase, supabaseEnvironment(setting));
  await expect.poll(status).toBe(200);
  for (let death = 0; death < 2; death++) {
    const back = new AbortController();
    const load = Array.from({ length: 12 }, async () => {
      for (; !back.signal.aborted; await sleep(10)) await status();
    });
    const answers = Promise.all(load);
    answers.catch(() => undefined);
    await sleep(300);
    postgres.kill("SIGKILL");
    await sleep(500);
    postgres = await startPostgres();
    back.abort();
    // Each request was answered, if by an error: none was left without, none found Supabase gone.
    await answers;
    await expect.poll(status).toBe(200);
  }
  expect(supabase.exitCode ?? supabase.signalCode).toBeNull();
}, 120_000);
