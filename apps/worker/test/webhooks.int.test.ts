import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { webhookEventTypes } from "@genq/contract";
import { inServiceTransaction } from "@genq/core/db";
import { cancelTask } from "@genq/core/tasks";
import { openTestStack } from "@genq/core/testing";
import { addressPolicy, createWebhook, parseNetworks, rotateWebhookSecret } from "@genq/core/webhooks";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, expect, it } from "vitest";
import { startWorkerProcess, type WorkerProcess } from "./worker-process.ts";
import { memoryStorage, openWorkerStack } from "./worker-stack.ts";

const stack = await openTestStack();
const worked = openWorkerStack(stack, memoryStorage());
const services = {
  database: worked.api.database,
  webhookPolicy: addressPolicy(parseNetworks("127.0.0.0/8")),
};
const started: WorkerProcess[] = [];

const received: { headers: Record<string, string>; body: string }[] = [];
let answer = (response: ServerResponse) => void response.writeHead(204).end();
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    received.push({ headers: request.headers as Record<string, string>, body });
    answer(response);
  });
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const address = receiver.address();
const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/hook/of-the-user`;

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await worked[Symbol.asyncDispose]();
});

function start(settings: Record<string, string> = {}): WorkerProcess {
  const worker = startWorkerProcess({
    PATH: "/usr/bin:/bin",
    EDITION: "standalone",
    DATABASE_URL: stack.databaseUrl,
    QUEUE_URL: stack.queueUrl,
    QUEUE_PREFIX: stack.queuePrefix,
    SUPABASE_URL: "http://127.0.0.1:9",
    SUPABASE_SECRET_KEY: "not used",
    EMBEDDING_MODEL: "genq/mini-embedder",
    GENERATION_MODEL: "genq/mini-generator",
    LOG_LEVEL: "debug",
    WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8",
    ...settings,
  });
  started.push(worker);
  return worker;
}
const register = async (user: string) => {
  const request = { url, description: "", event_types: [...webhookEventTypes] };
  return (await createWebhook(services, user, request)).answer;
};
const payload = { texts: ["a text"], kind: "passage" as const };
const cancelOne = async (user: string) => {
  const task = await worked.submit(user, "embed", payload);
  await cancelTask(worked.api, user, task);
};

it("delivers again under the same id what a killed worker was at, and logs no secret", async () => {
  received.length = 0;
  answer = () => undefined;
  const user = await stack.createUser();
  const { secret } = await register(user);
  const first = start();
  await cancelOne(user);
  await expect.poll(() => received.length, { timeout: 60_000 }).toBe(1);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");

  answer = (response) => void response.writeHead(204).end();
  // Time passes: the dead worker's attempt counts as lost.
  const [waiting] = await inServiceTransaction(
    worked.database,
    (sql) => sql`
      update webhook_deliveries d set run_after = now()
      from (select id, run_after - now() as lease from webhook_deliveries where user_id = ${user}) before
      where d.id = before.id returning status, extract(epoch from before.lease)::float8 as lease`,
  );
  expect(waiting?.["status"]).toBe("pending");
  expect(Number(waiting?.["lease"])).toBeGreaterThan(5);
  expect(Number(waiting?.["lease"])).toBeLessThan(20);
  const second = start();
  await expect.poll(() => received.length, { timeout: 60_000 }).toBe(2);
  const verifier = new Webhook(String(secret));
  for (const { headers, body } of received) {
    expect(verifier.verify(body, headers)).toMatchObject({ type: "task.canceled" });
  }
  expect(received[0]?.headers["webhook-id"]).toBe(received[1]?.headers["webhook-id"]);
  const logged = () => second.lines.find((line) => line.includes('"msg":"webhook attempt"')) ?? "";
  await expect.poll(logged).toContain('"status":"delivered"');
  expect(await second.end("SIGTERM")).toBe(0);
  for (const { lines } of [first, second]) {
    const log = lines.join("\n");
    for (const kept of [String(secret), String(secret).slice(6), "whsec_", "of-the-user", "v1,"]) {
      expect(log).not.toContain(kept);
    }
  }
}, 180_000);

it("tells the receiver that a task names when a worker has done it", async () => {
  received.length = 0;
  const user = await stack.createUser();
  const { secret } = (await rotateWebhookSecret(services, user, null)).answer;
  const worker = start();
  const task = await worked.submit(user, "embed", { ...payload, webhook: { url } });
  await expect.poll(() => received.length, { timeout: 60_000 }).toBe(1);
  const [message] = received;
  expect(new Webhook(String(secret)).verify(message?.body ?? "", message?.headers ?? {})).toMatchObject({
    type: "task.completed",
    data: { id: task, kind: "embed", status: "completed", problem: null },
  });
  expect(await worker.end("SIGTERM")).toBe(0);
}, 120_000);

it("sends nothing inside unless it is allowed, and tells so in the log of attempts", async () => {
  received.length = 0;
  const user = await stack.createUser();
  await register(user);
  await cancelOne(user);
  const proxy = new URL(url).origin;
  const worker = start({
    WEBHOOK_ALLOWED_NETWORKS: "",
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NODE_USE_ENV_PROXY: "1",
  });
  const errors = async () => {
    const rows = await inServiceTransaction(
      worked.database,
      (sql) => sql`select error from webhook_attempts where user_id = ${user}`,
    );
    return rows.map((row) => row["error"]);
  };
  await expect.poll(errors, { timeout: 60_000 }).toEqual(["address_refused"]);
  expect(received).toEqual([]);
  expect(await worker.end("SIGTERM")).toBe(0);
}, 120_000);
