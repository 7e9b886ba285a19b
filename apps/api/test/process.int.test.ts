import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { submittedTaskSchema, taskSchema } from "@genq/contract";
import { openTestStack } from "@genq/core/testing";
import { expect, it } from "vitest";
import { environmentOf, run, startApi } from "./api-process.ts";
import { readProblem } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const environment = environmentOf(stack);

it("answers everybody as one test user where AUTHENTICATE=false, up to the rate", async () => {
  const api = await startApi({ ...environment, AUTHENTICATE: "false", RATE_LIMIT_PER_MINUTE: "3" });
  const submit = () =>
    fetch(`${api.url}/generate-async?secret=query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"text":"a secret text"}',
    });
  for (const left of [2, 1, 0]) {
    const response = await submit();
    expect(response.status).toBe(202);
    expect(response.headers.get("ratelimit")).toMatch(`"user";r=${left};t=`);
  }
  const limited = await submit();
  expect(await readProblem(limited)).toMatchObject({ status: 429, code: "rate_limited", retryable: true });
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  api.process.kill("SIGTERM");
  expect(await api.ended).toBe(0);
  expect(api.stdout()).toContain('"route":"/generate-async","status":202');
  expect(api.stdout()).not.toContain("secret");
});

it("answers no other site's page where AUTHENTICATE=false", async () => {
  const api = await startApi({ ...environment, AUTHENTICATE: "false" });
  const ask = async (headers: Record<string, string>): Promise<number> => {
    const request = httpRequest(`${api.url}/files`, { headers });
    const [response] = (await once(request.end(), "response")) as [IncomingMessage];
    response.resume();
    return response.statusCode ?? 0;
  };
  const { port } = new URL(api.url);
  expect(await ask({})).toBe(200);
  expect(await ask({ host: `localhost:${port}`, origin: "http://localhost:5173" })).toBe(200);
  expect(await ask({ host: `rebound.example:${port}` })).toBe(403);
  expect(await ask({ origin: "https://elsewhere.example" })).toBe(403);
  expect(await ask({ origin: "null" })).toBe(403);
  api.process.kill("SIGTERM");
  expect(await api.ended).toBe(0);
});

it("answers those who wait when it is told to stop, and ends with 0", async () => {
  const api = await startApi({ ...environment, AUTHENTICATE: "false", SHUTDOWN_GRACE_MS: "5000" });
  const submitted = await fetch(`${api.url}/generate-async`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"text":"a"}',
  });
  const { id } = submittedTaskSchema.parse(await submitted.json());
  const waiting = fetch(`${api.url}/task/${id}?wait=60`);
  const events = await fetch(`${api.url}/task/${id}/events`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const start = Date.now();
  api.process.kill("SIGTERM");
  expect(taskSchema.parse(await (await waiting).json()).status).toBe("queued");
  expect(await events.text()).toContain("event: task");
  expect(await api.ended).toBe(0);
  expect(Date.now() - start).toBeLessThan(4000);
});

it("tells all problems with the environment at once, and ends with 1", async () => {
  const api = run("main.ts", { PORT: "no", AUTHENTICATE: "false" });
  expect(await api.ended).toBe(1);
  for (const name of ["DATABASE_URL", "QUEUE_URL", "SUPABASE_URL", "SUPABASE_SECRET_KEY", "PORT"]) {
    expect(api.stderr()).toContain(name);
  }
  const open = run("main.ts", { ...environment, EDITION: "server", AUTHENTICATE: "false" });
  expect(await open.ended).toBe(1);
  expect(open.stderr()).toContain("AUTHENTICATE=false works only with EDITION=standalone");
});

it("ends with 1 when its port is taken", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = String(typeof address === "object" ? address?.port : "");
  const api = run("main.ts", { ...environment, PORT: port });
  expect(await api.ended).toBe(1);
  expect(api.stdout()).toContain("EADDRINUSE");
  other.close();
});

it("migrates again without a change, and says in one sentence why it can't", async () => {
  const again = run("migrate/main.ts", environment);
  expect([await again.ended, again.stdout()]).toEqual([0, "The database is up to date.\n"]);
  const away = run("migrate/main.ts", { ...environment, DATABASE_URL: "postgres://u:p@127.0.0.1:1/x" });
  expect(await away.ended).toBe(1);
  expect(away.stderr()).toMatch(/^The database could not be migrated: .*ECONNREFUSED.*\n$/);
  const unset = run("migrate/main.ts", {});
  expect([await unset.ended, unset.stderr()]).toEqual([
    1,
    "The database could not be migrated: DATABASE_URL is missing; QUEUE_URL is missing\n",
  ]);
});
