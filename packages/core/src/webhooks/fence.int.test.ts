import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import {
  type AttemptVerdict,
  type ClaimedDelivery,
  claimWebhookDeliveries,
  inServiceTransaction,
  recordWebhookAttempt,
} from "../db/index.ts";
import { getWebhook, updateWebhook } from "./index.ts";
import { openWebhookStack } from "./testing/webhook-stack.ts";

const stack = await openTestStack();
const { worker, services, submit, register, complete, makeDue, deliveriesOf, close } =
  openWebhookStack(stack);
afterAll(() => close());

const hook = "http://127.0.0.1:65535/";
const limits = { limit: 9, perLane: 9, perUser: 9, leaseMs: 60_000 };
const claim = async () => {
  const [delivery] = await inServiceTransaction(worker, (sql) => claimWebhookDeliveries(sql, limits, []));
  if (delivery === undefined) throw new Error("Nothing was due.");
  return delivery;
};
const report = (delivery: ClaimedDelivery, statusCode: number, verdict: AttemptVerdict) =>
  inServiceTransaction(worker, (sql) =>
    recordWebhookAttempt(sql, delivery, { ms: 1, statusCode, error: null, response: null }, verdict),
  );
const delivered = { status: "delivered" } as const;
const gone = { status: "dead", gone: true } as const;

it("a dispatcher's late report does not end a delivery that another one is at", async () => {
  const user = await stack.createUser();
  const { id } = await register(user, hook);
  await complete(await submit(user));
  const late = await claim();
  await makeDue();
  const current = await claim();
  expect(current).toMatchObject({ id: late.id, attempt: late.attempt + 1 });
  await report(late, 200, delivered);
  expect((await deliveriesOf(user, id))[0]?.status).toBe("pending");
  await report(current, 200, delivered);
  expect((await deliveriesOf(user, id))[0]?.status).toBe("delivered");
});

it("a dispatcher's late 410 does not switch the endpoint off", async () => {
  const user = await stack.createUser();
  const { id } = await register(user, hook);
  await complete(await submit(user));
  const late = await claim();
  await makeDue();
  const current = await claim();
  await report(late, 410, gone);
  expect(await getWebhook(services, user, id)).toMatchObject({ enabled: true, disabled_reason: null });
  expect((await deliveriesOf(user, id))[0]?.status).toBe("pending");
  await report(current, 410, gone);
  expect(await getWebhook(services, user, id)).toMatchObject({ enabled: false, disabled_reason: "gone" });
});

it("a 410 of the URL before does not switch the endpoint off", async () => {
  const user = await stack.createUser();
  const { id } = await register(user, hook);
  await complete(await submit(user));
  const delivery = await claim();
  await updateWebhook(services, user, id, { url: "http://127.0.0.1:65534/" });
  await report(delivery, 410, gone);
  expect(await getWebhook(services, user, id)).toMatchObject({ enabled: true, disabled_reason: null });
});
