import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openTestStack } from "@genq/core/testing";
import { afterAll, expect, it } from "vitest";

const stack = await openTestStack({ supabase: true });
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
let api: ChildProcess | undefined;
afterAll(() => api?.kill("SIGKILL"));

function startApi(): Promise<string> {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env["PATH"],
      EDITION: "standalone",
      AUTHENTICATE: "false",
      PORT: "0",
      DATABASE_URL: stack.databaseUrl,
      QUEUE_URL: stack.queueUrl,
      QUEUE_PREFIX: stack.queuePrefix,
      SUPABASE_URL: stack.supabase.url,
      SUPABASE_PUBLISHABLE_KEY: stack.supabase.publishableKey,
      SUPABASE_SECRET_KEY: stack.supabase.secretKey,
      RATE_LIMIT_PER_MINUTE: "100000000",
      SHUTDOWN_GRACE_MS: "5000",
      LOG_LEVEL: "info",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  api = child;
  const url = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const told = /"url":"(http:[^"]+)","edition"/.exec(line)?.[1];
    if (told !== undefined) url.resolve(told);
  });
  return url.promise;
}

interface Answer {
  /** The error's code when the connection broke. */
  outcome: number | string | undefined;
  lastOnConnection: boolean;
}

function send(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve) => {
    const request = httpRequest(`${url}/generate-async`, {
      agent,
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    request.on("response", (response) => {
      const lastOnConnection = response.headers.connection === "close";
      response.resume().on("end", () => resolve({ outcome: response.statusCode, lastOnConnection }));
    });
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ outcome: error.code, lastOnConnection: true }),
    );
    request.end('{"text":"a"}');
  });
}

it("answers all that its clients send on their connections when it is told to stop under load, and then ends", async () => {
  const url = await startApi();
  const outcomes: Answer["outcome"][] = [];
  // As clients do behind a balancer: each keeps its connection, and goes elsewhere when it is told to close it.
  const client = async (pauseMs: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let left = false; !left; await sleep(pauseMs)) {
      const { outcome, lastOnConnection } = await send(url, agent);
      outcomes.push(outcome);
      left = lastOnConnection;
    }
    agent.destroy();
  };
  const clients = Array.from({ length: 20 }, (_, index) => client(index % 4 === 0 ? 150 : 0));
  await sleep(1500);
  const before = outcomes.length;
  const ended = api === undefined ? undefined : once(api, "exit");
  const signaledAt = performance.now();
  api?.kill("SIGTERM");
  await sleep(50);
  const ready = await fetch(`${url}/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    expect.objectContaining({
      checks: expect.arrayContaining([{ name: "stopping", ok: false, detail: expect.anything() }]),
    }),
  ]);
  expect((await ended)?.[0]).toBe(0);
  expect(performance.now() - signaledAt).toBeLessThan(5000);
  await Promise.all(clients);
  expect(before).toBeGreaterThan(20);
  expect(outcomes.filter((outcome) => outcome !== 202)).toEqual([]);
}, 60_000);
