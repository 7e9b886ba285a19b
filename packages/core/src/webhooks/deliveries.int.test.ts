import { setTimeout as sleep } from "node:timers/promises";
import { webhookEventSchema } from "@genq/contract";
import { Webhook } from "standardwebhooks";
import { afterAll, describe, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  createDispatcher,
  deleteWebhook,
  getWebhook,
  getWebhookDelivery,
  redeliverWebhook,
  testWebhook,
  updateWebhook,
} from "./index.ts";
import { type Answer, ok, openWebhookStack } from "./testing/webhook-stack.ts";

const stack = await openTestStack();
const hooks = openWebhookStack(stack);
afterAll(() => hooks.close());
const {
  worker,
  services,
  sender,
  startReceiver,
  submit,
  register,
  complete,
  dispatchAll,
  makeDue,
  deliveriesOf,
} = hooks;

describe("attempts", () => {
  it("repeats a failed one later under the same id, and logs each", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver(
      (response) => response.writeHead(500).end("out of order \0 \ud800"),
      (response) => response.writeHead(503, { "retry-after": "7200" }).end("x".repeat(5000)),
      (_response, request) => request.socket.resetAndDestroy(),
      () => undefined,
      ok,
    );
    const { id } = await register(user, receiver.url);
    await complete(await submit(user));
    const pauses: number[] = [];
    for (let round = 0; round < 5; round++) {
      await makeDue();
      await dispatchAll();
      const [delivery] = await deliveriesOf(user, id);
      pauses.push(Math.round((Date.parse(delivery?.next_attempt_at ?? "") - Date.now()) / 1000));
    }
    const [delivery] = await deliveriesOf(user, id);
    expect(delivery).toMatchObject({
      status: "delivered",
      attempts: [
        { status_code: 204, error: null, response: "" },
        { status_code: null, error: "timed_out" },
        { status_code: null, error: "connection_failed" },
        { status_code: 503, response: "x".repeat(1024) },
        { status_code: 500, response: expect.stringContaining("out of order") },
      ],
    });
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([delivery?.id]),
    );
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(pauses[0]).toBeGreaterThanOrEqual(3);
    expect(pauses[0]).toBeLessThanOrEqual(6);
    expect(pauses[1]).toBeGreaterThan(7100);
  });

  it("is dead after the last one, and is sent again by hand", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver(
      ...Array.from({ length: 11 }, (): Answer => (response) => void response.writeHead(404).end()),
      ok,
    );
    const { id } = await register(user, receiver.url);
    await complete(await submit(user));
    for (let round = 0; round < 13; round++) {
      await makeDue();
      await dispatchAll();
    }
    const [dead] = await deliveriesOf(user, id);
    expect(dead).toMatchObject({ status: "dead", next_attempt_at: null });
    expect(receiver.received).toHaveLength(11);
    await redeliverWebhook(services, user, id, String(dead?.id));
    await dispatchAll();
    expect((await deliveriesOf(user, id))[0]).toMatchObject({ id: dead?.id, status: "delivered" });
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  it("switches an endpoint off that answers 410", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver((response) => response.writeHead(410).end(), ok);
    const { id } = await register(user, receiver.url);
    await complete(await submit(user));
    await dispatchAll();
    expect(await getWebhook(services, user, id)).toMatchObject({ enabled: false, disabled_reason: "gone" });
    expect((await deliveriesOf(user, id))[0]?.status).toBe("dead");
    await complete(await submit(user));
    await makeDue();
    await dispatchAll();
    expect(receiver.received).toHaveLength(1);
    await updateWebhook(services, user, id, { enabled: true });
    await complete(await submit(user));
    await dispatchAll();
    expect(receiver.received).toHaveLength(2);
  });

  it("made by a dispatcher that went away is made again under the same id, and its late report changes nothing", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver(
      (response) => void setTimeout(() => response.writeHead(410).end(), 700),
      ok,
    );
    const { id } = await register(user, receiver.url);
    await complete(await submit(user));
    const slow = createDispatcher({ database: worker, sender });
    await slow.round();
    await expect.poll(() => receiver.received.length).toBe(1);
    await makeDue();
    await dispatchAll();
    expect((await deliveriesOf(user, id))[0]?.status).toBe("delivered");
    await slow.stop(new AbortController().signal);
    expect((await deliveriesOf(user, id))[0]).toMatchObject({ status: "delivered", attempts: [{}, {}] });
    expect(receiver.received[0]?.headers["webhook-id"]).toBe(receiver.received[1]?.headers["webhook-id"]);
  });

  it("is made by one of several dispatchers", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver();
    await register(user, receiver.url);
    for (let index = 0; index < 20; index++) await complete(await submit(user));
    await Promise.all([dispatchAll(), dispatchAll(), dispatchAll()]);
    expect(receiver.received).toHaveLength(20);
  });

  it("to a slow receiver holds up neither the user's others nor other users", async () => {
    const [user, other] = [await stack.createUser(), await stack.createUser()];
    const slow = await startReceiver(() => undefined);
    const [fast, others] = [await startReceiver(), await startReceiver()];
    const { id } = await register(user, slow.url);
    await register(user, fast.url);
    await register(other, others.url);
    for (let index = 0; index < 12; index++) await complete(await submit(user));
    for (let index = 0; index < 3; index++) await complete(await submit(other));
    const dispatcher = createDispatcher({
      database: worker,
      sender,
      limits: { inAll: 6, perLane: 2, perUser: 4 },
    });
    const startedAt = performance.now();
    while (fast.received.length < 12 || others.received.length < 3) {
      await dispatcher.round();
      await sleep(10);
      if (performance.now() - startedAt > 1200) break;
    }
    // Sooner than the slow receiver's first attempt is over.
    expect([fast.received.length, others.received.length]).toEqual([12, 3]);
    expect(slow.received.length).toBe(2);
    await dispatcher.stop(AbortSignal.timeout(10));
    await deleteWebhook(services, user, id);
  });
});

describe("the test of an endpoint", () => {
  it("is one signed event, whatever the endpoint listens to, and its log tells how it went", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver();
    const { id, secret } = await register(user, receiver.url, ["task.failed"]);
    const { answer } = await testWebhook(services, user, id);
    expect(answer).toMatchObject({ type: "webhook.test", task_id: null, status: "pending", attempts: [] });
    await dispatchAll();
    const [message] = receiver.received;
    const event = new Webhook(String(secret)).verify(message?.body ?? "", message?.headers ?? {});
    expect(webhookEventSchema.parse(event)).toMatchObject({ type: "webhook.test", data: { webhook_id: id } });
    expect(message?.headers["webhook-id"]).toBe(answer.id);
    expect(await getWebhookDelivery(services, user, id, answer.id)).toMatchObject({
      status: "delivered",
      attempts: [{ status_code: 204 }],
    });
  });

  it("is not tried again when it fails", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver((response) => response.writeHead(500).end("out of order"));
    const { id } = await register(user, receiver.url);
    const { answer } = await testWebhook(services, user, id);
    await dispatchAll();
    await makeDue();
    await dispatchAll();
    expect(receiver.received).toHaveLength(1);
    expect(await getWebhookDelivery(services, user, id, answer.id)).toMatchObject({
      status: "dead",
      attempts: [{ status_code: 500, response: "out of order" }],
    });
  });
});
