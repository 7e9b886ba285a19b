import { webhookEventSchema } from "@genq/contract";
import { Webhook } from "standardwebhooks";
import { afterAll, describe, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  completeTask,
  expireTasks,
  inServiceTransaction,
  inUserTransaction,
  takeBackAbandoned,
} from "../db/index.ts";
import { cancelTask, retryTask } from "../tasks/index.ts";
import { deleteWebhook, rotateWebhookSecret } from "./index.ts";
import { openWebhookStack, result } from "./testing/webhook-stack.ts";

const stack = await openTestStack();
const hooks = openWebhookStack(stack);
afterAll(() => hooks.close());
const {
  api,
  worker,
  services,
  claim,
  startReceiver,
  submit,
  register,
  complete,
  fail,
  dispatchAll,
  deliveriesOf,
} = hooks;

describe("events", () => {
  it("tells of every end of a task, once, and the reference verifier accepts it", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver();
    const { secret } = await register(user, receiver.url);
    const [completed, failed, canceled] = [await submit(user), await submit(user), await submit(user)];
    const [expired, poisoned] = [await submit(user), await submit(user)];
    await complete(completed);
    await fail(failed, "x".repeat(100_000));
    await cancelTask(services, user, canceled);
    await cancelTask(services, user, canceled);
    await claim(poisoned);
    await inServiceTransaction(worker, async (sql) => {
      await sql`update tasks set expires_at = now() where id = ${expired}`;
      await sql`update tasks set lease_until = now(), unreported_attempts = 2 where id = ${poisoned}`;
    });
    await inServiceTransaction(worker, (sql) => expireTasks(sql, 10));
    await inServiceTransaction(worker, (sql) => takeBackAbandoned(sql, 10));
    await dispatchAll();
    await dispatchAll();

    const verifier = new Webhook(String(secret));
    const events = receiver.received.map(({ headers, body }) => {
      expect(verifier.verify(body, headers)).toBeDefined();
      expect(Buffer.byteLength(body)).toBeLessThan(64 * 1024);
      expect(body).not.toContain("a secret text");
      const event = webhookEventSchema.parse(JSON.parse(body));
      if (event.type === "webhook.test") throw new Error("Nobody asked for a test.");
      return event;
    });
    expect(new Map(events.map((event) => [event.data.id, event.type]))).toEqual(
      new Map([
        [completed, "task.completed"],
        [failed, "task.failed"],
        [canceled, "task.canceled"],
        [expired, "task.expired"],
        [poisoned, "task.failed"],
      ]),
    );
    expect(events).toHaveLength(5);
    const problems = new Map(events.map(({ data }) => [data.id, data.problem?.code]));
    expect([failed, expired, poisoned].map((id) => problems.get(id))).toEqual([
      "model_crashed",
      "task_expired",
      "poisoned",
    ]);
    const [message] = receiver.received;
    if (message === undefined) throw new Error("nothing came");
    const { headers, body } = message;
    expect(() => verifier.verify(body.replace("{", "{ "), headers)).toThrow("No matching signature");
    expect(() => new Webhook("whsec_bm90IHRoZSBzZWNyZXQ=").verify(body, headers)).toThrow(
      "No matching signature",
    );
    const old = { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) - 302) };
    expect(() => verifier.verify(body, old)).toThrow("too old");
  });

  it("is part of the task's own transaction", async () => {
    const user = await stack.createUser();
    const { id } = await register(user, "http://127.0.0.1:65535/");
    const task = await submit(user);
    const held = await claim(task);
    await expect(
      inServiceTransaction(worker, async (sql) => {
        await completeTask<"embed">(sql, held, result);
        throw new Error("rolled back");
      }),
    ).rejects.toThrow("rolled back");
    expect(await deliveriesOf(user, id)).toEqual([]);
  });

  it("goes to the task's own URL, signed with the user's secret, for each life of the task", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver();
    await expect(submit(user, receiver.url)).rejects.toMatchObject({ code: "webhook_secret_missing" });
    const { secret } = (await rotateWebhookSecret(services, user, null)).answer;
    const task = await submit(user, receiver.url);
    await fail(task);
    await retryTask(services, user, task);
    await complete(task);
    await dispatchAll();
    const events = receiver.received.map(({ headers, body }) =>
      new Webhook(String(secret)).verify(body, headers),
    );
    expect(events).toMatchObject([{ type: "task.failed" }, { type: "task.completed" }]);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(2);
  });

  it("goes to each endpoint that asked for its type, and to nobody else's", async () => {
    const [user, other] = [await stack.createUser(), await stack.createUser()];
    const [all, failures, others] = [await startReceiver(), await startReceiver(), await startReceiver()];
    await register(user, all.url);
    await register(user, failures.url, ["task.failed"]);
    await register(other, others.url);
    await complete(await submit(user));
    await dispatchAll();
    expect([all, failures, others].map(({ received }) => received.length)).toEqual([1, 0, 0]);
  });
});

describe("secrets", () => {
  it("sign together while rotating, the old one for a day", async () => {
    const user = await stack.createUser();
    const receiver = await startReceiver();
    const { id, secret } = await register(user, receiver.url);
    const rotated = (await rotateWebhookSecret(services, user, id)).answer;
    expect(Date.parse(rotated.previous_expires_at ?? "") - Date.now()).toBeGreaterThan(86_300_000);
    await complete(await submit(user));
    await dispatchAll();
    const [message] = receiver.received;
    for (const one of [secret, rotated.secret]) {
      expect(new Webhook(String(one)).verify(message?.body ?? "", message?.headers ?? {})).toBeDefined();
    }
    await inServiceTransaction(worker, (sql) => sql`select 1`);
    const owner = worker.sql;
    await owner`update genq.webhook_secrets set expires_at = now() where expires_at is not null and user_id = ${user}`;
    await complete(await submit(user));
    await dispatchAll();
    const after = receiver.received[1];
    expect(() => new Webhook(String(secret)).verify(after?.body ?? "", after?.headers ?? {})).toThrow(
      "No matching",
    );
    expect(new Webhook(String(rotated.secret)).verify(after?.body ?? "", after?.headers ?? {})).toBeDefined();
  });

  it("can't be read by the api's role, nor another user's rows by anybody", async () => {
    const [user, other] = [await stack.createUser(), await stack.createUser()];
    const { id } = await register(user, "http://127.0.0.1:65535/");
    await expect(
      inUserTransaction(api, user, (sql) => sql`select secret from webhook_secrets`),
    ).rejects.toMatchObject({ code: "42501" });
    await complete(await submit(user));
    for (const table of ["webhook_endpoints", "webhook_deliveries"]) {
      const seen = (userId: string) =>
        inUserTransaction(api, userId, (sql) => sql`select id from ${sql(table)}`).then(
          (rows) => rows.length,
        );
      expect([await seen(user), await seen(other)]).toEqual([1, 0]);
    }
    expect(await inUserTransaction(api, other, (sql) => sql`select id from webhook_secrets`)).toHaveLength(0);
    await expect(deleteWebhook(services, other, id)).rejects.toMatchObject({ code: "not_found" });
    await expect(rotateWebhookSecret(services, other, id)).rejects.toMatchObject({ code: "not_found" });
  });
});

it("forgets a deleted endpoint's events, also one that a task wrote meanwhile", async () => {
  const user = await stack.createUser();
  const receiver = await startReceiver();
  const { id } = await register(user, receiver.url);
  await complete(await submit(user));
  await worker.sql`
    insert into genq.webhook_deliveries (user_id, endpoint_id, lane, task_id, life, type, body)
    select user_id, ${"00000000-0000-4000-8000-000000000000"}, gen_random_uuid(), task_id, 1, type, body
    from genq.webhook_deliveries where endpoint_id = ${id}`;
  await deleteWebhook(services, user, id);
  await dispatchAll();
  expect(receiver.received).toHaveLength(0);
  const left = await worker.sql`select status from genq.webhook_deliveries where user_id = ${user}`;
  expect(left.map((row) => row["status"])).toEqual(["dead"]);
});
