import { setTimeout as sleep } from "node:timers/promises";
import { openTestStack } from "@genq/core/testing";
import { openTcpProxy } from "@genq/core/testing/tcp-proxy";
import { afterAll, afterEach, expect, it } from "vitest";
import { openTestApi, readProblem, type TestUser } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const database = await openTcpProxy(stack.databaseUrl);
const queue = await openTcpProxy(stack.queueUrl);
const api = await openTestApi(
  { ...stack, supabase: stack.supabase, databaseUrl: database.url, queueUrl: queue.url },
  { DATABASE_TIMEOUT_MS: "1500", RATE_LIMIT_PER_MINUTE: "1000000", DATABASE_PREPARE: "false" },
);
const user = await api.signUp();
afterEach(() => {
  database.pass();
  queue.pass();
});
afterAll(async () => {
  await api.close();
  await Promise.all([database.close(), queue.close()]);
});

async function timed(call: () => Promise<Response>): Promise<{ response: Response; ms: number }> {
  const begun = performance.now();
  const response = await call();
  return { response, ms: performance.now() - begun };
}

const generate = (as: TestUser, headers = {}) =>
  as.call("POST", "/generate-async", { json: { text: "a" }, headers });

function upload(as: TestUser, name: string): Promise<Response> {
  const form = new FormData();
  form.set("file", new Blob([`The file ${name}.`]), name);
  return as.call("POST", "/upload", { body: form });
}

async function expectUnavailable(call: () => Promise<Response>): Promise<void> {
  const { response, ms } = await timed(call);
  expect(await readProblem(response)).toMatchObject({
    status: 503,
    code: "database_unavailable",
    retryable: true,
  });
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(ms).toBeLessThan(2000);
}

it.each(["swallow", "refuse"] as const)(
  "answers 503 within two seconds when Postgres is away (%s)",
  async (how) => {
    const { id } = await user.submit();
    const polled = user.call("GET", `/task/${id}?wait=25`);
    await sleep(300);
    database[how]();
    const cut = performance.now();
    await Promise.all([
      expectUnavailable(() => generate(user)),
      expectUnavailable(() => user.call("GET", `/task/${id}`)),
      expectUnavailable(() => user.call("GET", `/task/${id}?wait=25`)),
      expectUnavailable(() => user.call("POST", `/task/${id}/cancel`)),
      expectUnavailable(() => upload(user, `${how}.txt`)),
      expectUnavailable(() => user.call("GET", "/files")),
      // It waited before the outage began, and hears of it as soon.
      polled.then((response) => {
        expect(response.status).toBe(503);
        expect(performance.now() - cut).toBeLessThan(2000);
      }),
    ]);
    database.pass();
    await expect.poll(async () => (await generate(user)).status).toBe(202);
  },
);

it("leaves no connection and no waiting request behind after a silent outage under load", async () => {
  await user.submit();
  database.swallow();
  const end = performance.now() + 6000;
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      while (performance.now() < end) {
        const { response, ms } = await timed(() => generate(user));
        expect(response.status).toBe(503);
        times.push(ms);
      }
    }),
  );
  // More than the two seconds of one request: the clients take the same processor.
  expect(Math.max(...times)).toBeLessThan(4000);
  database.pass();
  await expect.poll(async () => (await generate(user)).status).toBe(202);
  await expect.poll(() => database.connections()).toBeLessThanOrEqual(10);
});

it.each(["before", "after"] as const)(
  "makes one task of a request that was cut %s COMMIT and is asked again",
  async (when) => {
    const key = { "idempotency-key": `cut-${when}` };
    const broken = database.breakAt("commit", when);
    // Whichever transaction of the api commits first is cut: ask until it was this one.
    let first = await generate(user, key);
    while (first.status !== 503) first = await generate(user, key);
    await broken;
    await expect.poll(async () => (await generate(user, key)).status).toBe(202);
    const rows = await api.sql`
    select count(*)::int as tasks from genq.tasks
    where id in (select task_id from genq.idempotency_keys where key = ${`cut-${when}`})`;
    expect(rows[0]?.["tasks"]).toBe(1);
  },
);

it("answers 202 to what was accepted before the database went away, however long its client waits", async () => {
  const { response, ms } = await timed(async () => {
    const answer = user.call("POST", "/generate", { json: { text: "a" } });
    await sleep(500);
    database.swallow();
    return answer;
  });
  expect(response.status).toBe(202);
  expect(ms).toBeLessThan(500 + 2000);
});
