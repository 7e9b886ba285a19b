import { expect, test } from "vitest";
import { exampleSubmitted } from "../test/examples.ts";
import { startFakeApi } from "../test/fake-api.ts";
import { createGenqClient } from "./create-genq-client.ts";

const clientOf = (apiUrl: string) => createGenqClient({ apiUrl, getAccessToken: () => "token" });

const time = "2026-01-02T03:04:05.000Z";
const webhook = {
  id: "7b0c1f9e-6a55-4a3e-9d2e-0f5f4c7a1b21",
  url: "https://example.com/hook",
  description: "",
  event_types: ["task.completed"],
  enabled: true,
  disabled_reason: null,
  created_at: time,
  updated_at: time,
};
const delivery = {
  id: "7b0c1f9e-6a55-4a3e-9d2e-0f5f4c7a1b22",
  type: "task.completed",
  task_id: exampleSubmitted.id,
  status: "dead",
  created_at: time,
  next_attempt_at: null,
  finished_at: time,
  attempts: [{ at: time, ms: 3, status_code: 500, error: null, response: "no" }],
};

test("an endpoint is made once, also when its answer is lost", async () => {
  await using api = await startFakeApi("hang up", {
    status: 201,
    json: { ...webhook, secret: "whsec_AAAA" },
  });
  const created = await clientOf(api.url).webhooks.create({ url: webhook.url });
  expect(created.secret).toBe("whsec_AAAA");
  const keys = api.seen.map(({ headers }) => headers["idempotency-key"]);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
});

test("endpoints are read, changed, rotated and deleted", async () => {
  const rotated = { secret: "whsec_BBBB", previous_expires_at: time };
  await using api = await startFakeApi(
    { json: { data: [webhook] } },
    { json: webhook },
    { json: { ...webhook, enabled: false } },
    { json: rotated },
    { json: rotated },
    { status: 204 },
  );
  const { webhooks } = clientOf(api.url);
  expect((await webhooks.list()).map(({ url }) => url)).toEqual([webhook.url]);
  expect((await webhooks.get("a/b")).id).toBe(webhook.id);
  expect((await webhooks.update(webhook.id, { enabled: false })).enabled).toBe(false);
  expect((await webhooks.rotateSecret(webhook.id)).secret).toBe("whsec_BBBB");
  expect(await webhooks.rotateTaskSecret()).toEqual(rotated);
  await webhooks.delete(webhook.id);
  expect(api.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET /webhooks",
    "GET /webhooks/a%2Fb",
    `PATCH /webhooks/${webhook.id}`,
    `POST /webhooks/${webhook.id}/secret/rotate`,
    "POST /webhooks/secret/rotate",
    `DELETE /webhooks/${webhook.id}`,
  ]);
  expect(JSON.parse(String(api.seen[2]?.body))).toEqual({ enabled: false });
});

test("deliveries are walked page by page, and sent again", async () => {
  await using api = await startFakeApi(
    { json: { data: [delivery], next_cursor: "two" } },
    { json: { data: [delivery], next_cursor: null } },
    { status: 202, json: { ...delivery, status: "pending" } },
  );
  const { webhooks } = clientOf(api.url);
  for await (const { id, status } of webhooks.deliveries(webhook.id, { pageSize: 1 })) {
    expect([id, status]).toEqual([delivery.id, "dead"]);
  }
  expect((await webhooks.redeliver(webhook.id, delivery.id)).status).toBe("pending");
  expect(api.seen.map(({ url }) => url)).toEqual([
    `/webhooks/${webhook.id}/deliveries?limit=1`,
    `/webhooks/${webhook.id}/deliveries?limit=1&cursor=two`,
    `/webhooks/${webhook.id}/deliveries/${delivery.id}/redeliver`,
  ]);
});

test("an endpoint is tested once, also when the answer is lost, and its delivery read", async () => {
  const sent = { ...delivery, type: "webhook.test", task_id: null, status: "pending" };
  await using api = await startFakeApi("hang up", { status: 202, json: sent }, { json: sent });
  const { webhooks } = clientOf(api.url);
  expect(await webhooks.test(webhook.id)).toMatchObject({ type: "webhook.test", task_id: null });
  await webhooks.delivery(webhook.id, delivery.id);
  expect(new Set(api.seen.slice(0, 2).map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  expect(api.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST /webhooks/${webhook.id}/test`,
    `POST /webhooks/${webhook.id}/test`,
    `GET /webhooks/${webhook.id}/deliveries/${delivery.id}`,
  ]);
});

test("deliveries of single tasks are walked, read and sent again", async () => {
  await using api = await startFakeApi(
    { json: { data: [delivery], next_cursor: "two" } },
    { json: { data: [delivery], next_cursor: null } },
    { json: delivery },
    { status: 202, json: delivery },
  );
  const { webhooks } = clientOf(api.url);
  for await (const { id } of webhooks.taskDeliveries({ taskId: "t", pageSize: 1 })) {
    expect(id).toBe(delivery.id);
  }
  await webhooks.taskDelivery(delivery.id);
  await webhooks.redeliverForTask(delivery.id);
  expect(api.seen.map(({ url }) => url)).toEqual([
    "/webhooks/deliveries?limit=1&task_id=t",
    "/webhooks/deliveries?limit=1&cursor=two&task_id=t",
    `/webhooks/deliveries/${delivery.id}`,
    `/webhooks/deliveries/${delivery.id}/redeliver`,
  ]);
});

test("a task and an upload may name who is told of their end", async () => {
  await using api = await startFakeApi({ status: 202, json: exampleSubmitted }, "hang up");
  const genq = clientOf(api.url);
  await genq.generateAsync({ text: "a", webhook: { url: webhook.url } });
  expect(JSON.parse(String(api.seen[0]?.body))).toEqual({ text: "a", webhook: { url: webhook.url } });
  const options = { name: "a.txt", webhook: { url: webhook.url } };
  await expect(genq.upload(new Blob(["a"]), options)).rejects.toThrow();
  expect(String(api.seen[1]?.body)).toContain(`name="webhook_url"\r\n\r\n${webhook.url}\r\n`);
});
