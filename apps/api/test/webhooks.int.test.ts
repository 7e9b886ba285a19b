import {
  createdWebhookSchema,
  rotatedSecretSchema,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
} from "@genq/contract";
import { openTestStack } from "@genq/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { exampleAnswer, openTestApi, readProblem, type TestUser } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const api = await openTestApi(stack);
afterAll(() => api.close());
const user = await api.signUp();
const stranger = await api.signUp();

const url = "https://93.184.215.14/hook";
const create = (json: object = { url }, headers: Record<string, string> = {}, by: TestUser = user) =>
  by.call("POST", "/webhooks", { json, headers });
const created = async (answer: Response) => {
  expect(answer.status).toBe(201);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return createdWebhookSchema.parse(await answer.json());
};
const problemOf = async (answer: Response) => (await readProblem(answer)).code;
const form = (fields: Record<string, string>) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set("file", new File([`text ${Math.random()}`], `${Math.random()}.txt`));
  return body;
};

describe("endpoints", () => {
  it("are made, told, changed and deleted, and their secret is told once", async () => {
    const { secret, ...webhook } = await created(
      await create({ url, event_types: ["task.failed", "task.failed"] }),
    );
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(webhook).toMatchObject({ url, event_types: ["task.failed"], enabled: true, description: "" });
    expect(await (await user.call("GET", `/webhooks/${webhook.id}`)).json()).toEqual(webhook);
    const list = await (await user.call("GET", "/webhooks")).text();
    expect(list).toContain(webhook.id);
    expect(list).not.toContain(String(secret));
    const change = { url: "https://example.com:8443/a?b", enabled: false };
    const changed = await user.call("PATCH", `/webhooks/${webhook.id}`, { json: change });
    expect(await changed.json()).toMatchObject({ ...change, event_types: ["task.failed"] });
    expect((await user.call("DELETE", `/webhooks/${webhook.id}`)).status).toBe(204);
    expect(await problemOf(await user.call("DELETE", `/webhooks/${webhook.id}`))).toBe("not_found");
  });

  it("are made once for one Idempotency-Key, and the secret is not repeated", async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => create({ url }, { "idempotency-key": "once" }).then(created)),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ secret }) => secret !== null)).toHaveLength(1);
    const other = await create({ url, description: "x" }, { "idempotency-key": "once" });
    expect(await problemOf(other)).toBe("idempotency_mismatch");
  });

  it("are no more than twenty, also when made at once", async () => {
    const many = await api.signUp();
    const answers = await Promise.all(Array.from({ length: 25 }, () => create({ url }, {}, many)));
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(5);
    for (const answer of refused) expect(await problemOf(answer)).toBe("webhook_limit_reached");
  });

  it("rotate their secret, and so does the user's own", async () => {
    const { id } = await created(await create());
    for (const path of [`/webhooks/${id}/secret/rotate`, "/webhooks/secret/rotate"]) {
      const headers = { "idempotency-key": path };
      const rotate = async () => {
        const answer = await user.call("POST", path, { headers });
        expect(answer.status).toBe(200);
        return rotatedSecretSchema.parse(await answer.json());
      };
      expect((await rotate()).secret).toMatch(/^whsec_/);
      expect((await rotate()).secret).toBeNull();
    }
  });

  it("of another user do not exist", async () => {
    const { id } = await created(await create());
    const paths: [string, string, object?][] = [
      ["GET", `/webhooks/${id}`],
      ["PATCH", `/webhooks/${id}`, { enabled: false }],
      ["DELETE", `/webhooks/${id}`],
      ["POST", `/webhooks/${id}/secret/rotate`],
      ["GET", `/webhooks/${id}/deliveries`],
      ["GET", `/webhooks/${id}/deliveries/${id}`],
      ["POST", `/webhooks/${id}/deliveries/${id}/redeliver`],
      ["POST", `/webhooks/${id}/test`],
      ["GET", "/webhooks/none"],
    ];
    for (const [method, path, json] of paths) {
      const answer = await stranger.call(method, path, json && { json });
      expect([path, await problemOf(answer)]).toEqual([path, "not_found"]);
    }
    expect((await user.call("GET", `/webhooks/${id}`)).status).toBe(200);
  });
});

describe("deliveries", () => {
  it("are listed by pages and sent again by hand", async () => {
    const owner = await api.signUp();
    const { id } = await created(await create({ url }, {}, owner));
    const tasks = [await owner.submit(), await owner.submit(), await owner.submit()];
    for (const task of tasks) await api.worker.complete(task.id, exampleAnswer);
    const page = async (query: string) =>
      webhookDeliveryPageSchema.parse(
        await (await owner.call("GET", `/webhooks/${id}/deliveries?${query}`)).json(),
      );
    const first = await page("limit=2");
    const second = await page(`limit=2&cursor=${first.next_cursor}`);
    expect(second.next_cursor).toBeNull();
    const all = [...first.data, ...second.data];
    expect(all.map((one) => one.task_id)).toEqual(tasks.map((task) => task.id).reverse());
    expect(all[0]).toMatchObject({ type: "task.completed", status: "pending", attempts: [] });
    const path = `/webhooks/${id}/deliveries/${all[0]?.id}/redeliver`;
    await api.sql`update genq.webhook_deliveries set status = 'dead', finished_at = now() where id = ${String(all[0]?.id)}`;
    const answer = await owner.call("POST", path);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ id: all[0]?.id, status: "pending" });
    expect(await problemOf(await stranger.call("POST", path))).toBe("not_found");
  });

  it("of a test are made once for one Idempotency-Key, and none while the endpoint is off", async () => {
    const { id } = await created(await create());
    const sendTest = () =>
      user.call("POST", `/webhooks/${id}/test`, { headers: { "idempotency-key": `test-${id}` } });
    const answers = await Promise.all([sendTest(), sendTest(), sendTest()]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    const location = answers[0]?.headers.get("location") ?? "";
    const delivery = await (await user.call("GET", location)).json();
    expect(webhookDeliverySchema.parse(delivery)).toMatchObject({ type: "webhook.test", status: "pending" });
    for (const answer of answers) expect(await answer.json()).toEqual(delivery);
    expect(await problemOf(await stranger.call("GET", location))).toBe("not_found");
    const log = await (await user.call("GET", `/webhooks/${id}/deliveries`)).json();
    expect(log).toEqual({ data: [delivery], next_cursor: null });
    await user.call("PATCH", `/webhooks/${id}`, { json: { enabled: false } });
    expect(await problemOf(await user.call("POST", `/webhooks/${id}/test`))).toBe("webhook_disabled");
    expect((await sendTest()).status).toBe(202);
  });

  it("of the webhooks of single tasks have a log of their own", async () => {
    const owner = await api.signUp();
    await owner.call("POST", "/webhooks/secret/rotate");
    await created(await create({ url }, {}, owner));
    const tasks = [
      await owner.submit({ text: "a", webhook: { url } }),
      await owner.submit({ text: "b", webhook: { url } }),
    ];
    for (const task of tasks) await api.worker.complete(task.id, exampleAnswer);
    const page = async (query: string, by = owner) => {
      const answer = await by.call("GET", `/webhooks/deliveries?${query}`);
      return webhookDeliveryPageSchema.parse(await answer.json());
    };
    const [latest] = (await page("limit=1")).data;
    expect(latest).toMatchObject({ type: "task.completed", task_id: tasks[1]?.id, status: "pending" });
    expect((await page("")).data).toHaveLength(2);
    expect((await page(`task_id=${tasks[0]?.id}`)).data.map((one) => one.task_id)).toEqual([tasks[0]?.id]);
    expect((await page("", stranger)).data).toEqual([]);

    const path = `/webhooks/deliveries/${latest?.id}`;
    expect(await (await owner.call("GET", path)).json()).toEqual(latest);
    await api.sql`update genq.webhook_deliveries set status = 'dead', finished_at = now() where id = ${String(latest?.id)}`;
    expect(await problemOf(await stranger.call("GET", path))).toBe("not_found");
    expect(await problemOf(await stranger.call("POST", `${path}/redeliver`))).toBe("not_found");
    const again = await owner.call("POST", `${path}/redeliver`);
    expect([again.status, await again.json()]).toEqual([202, expect.objectContaining({ status: "pending" })]);
  });
});

const refused = [
  "http://example.com/",
  "https://user:password@example.com/",
  "https://example.com:25/",
  "https://localhost/",
  "https://api.localhost./",
  "https://metadata.google.internal/",
  "https://127.0.0.1/",
  "https://2130706433/",
  "https://0177.0.0.1/",
  "https://0x7f.1/",
  "https://127.1/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://169.254.169.254/latest/meta-data/",
];

describe("URLs that lead inside", () => {
  it.each(refused)("%s is refused for an endpoint, a task and an upload", async (inside) => {
    const { id } = await created(await create());
    const answers = [
      await create({ url: inside }),
      await user.call("PATCH", `/webhooks/${id}`, { json: { url: inside } }),
      await user.call("POST", "/generate-async", { json: { text: "a", webhook: { url: inside } } }),
      await user.call("POST", "/upload", { body: form({ webhook_url: inside }) }),
    ];
    for (const answer of answers) expect(await problemOf(answer)).toBe("webhook_url_refused");
    await user.call("DELETE", `/webhooks/${id}`);
  });

  it.each(["", "nothing", "ftp://example.com/", `https://example.com/${"a".repeat(2050)}`, 1])(
    "%s is no URL of a webhook",
    async (wrong) => {
      expect(await problemOf(await create({ url: wrong }))).toBe("invalid_request");
    },
  );
});

it("takes the URL of a single task, once there is a secret to sign with", async () => {
  const owner = await api.signUp();
  const submit = () => owner.call("POST", "/generate-async", { json: { text: "a", webhook: { url } } });
  const upload = () => owner.call("POST", "/upload", { body: form({ webhook_url: url }) });
  expect(await problemOf(await submit())).toBe("webhook_secret_missing");
  expect(await problemOf(await upload())).toBe("webhook_secret_missing");
  await owner.call("POST", "/webhooks/secret/rotate");
  expect((await submit()).status).toBe(202);
  expect((await upload()).status).toBe(202);
  const rows = await api.sql`
    select webhook_url, payload ? 'webhook' as kept from genq.tasks where user_id = ${owner.id} order by created_at`;
  expect(rows).toEqual([
    { webhook_url: url, kept: false },
    { webhook_url: url, kept: false },
  ]);
});
