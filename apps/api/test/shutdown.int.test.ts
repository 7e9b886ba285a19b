import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { openTestStack } from "@genq/core/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { environmentOf, startApi } from "./api-process.ts";

const stack = await openTestStack({ supabase: true });
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  const settings = { AUTHENTICATE: "false", RATE_LIMIT_PER_MINUTE: "100000000", SHUTDOWN_GRACE_MS: "5000" };
  api = await startApi({ ...environmentOf(stack), ...settings });
});
afterAll(() => api.process.kill("SIGKILL"));

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
  const { url } = api;
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
  await expect.poll(() => outcomes.length, { timeout: 30_000 }).toBeGreaterThan(100);
  const signaledAt = performance.now();
  api.process.kill("SIGTERM");
  await sleep(50);
  const ready = await fetch(`${url}/ready`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    expect.objectContaining({
      checks: expect.arrayContaining([{ name: "stopping", ok: false, detail: expect.anything() }]),
    }),
  ]);
  expect(await api.ended).toBe(0);
  expect(performance.now() - signaledAt).toBeLessThan(5000);
  await Promise.all(clients);
  expect(outcomes.filter((outcome) => outcome !== 202)).toEqual([]);
});
