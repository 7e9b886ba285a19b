import { afterAll, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { claimWebhookDeliveries, inServiceTransaction, recordWebhookAttempt } from "../db/index.ts";
import { openWebhookStack } from "./testing/webhook-stack.ts";

const stack = await openTestStack();
const { worker, submit, register, complete, makeDue, deliveriesOf, close } = openWebhookStack(stack);
afterAll(() => close());

it("a dispatcher's late report does not end a delivery that another one is at", async () => {
  const user = await stack.createUser();
  const { id } = await register(user, "http://127.0.0.1:65535/");
  await complete(await submit(user));
  const limits = { limit: 9, perLane: 9, perUser: 9, leaseMs: 60_000 };
  const claim = async () => {
    const claimed = await inServiceTransaction(worker, (sql) => claimWebhookDeliveries(sql, limits, []));
    const [delivery] = claimed;
    if (delivery === undefined) throw new Error("Nothing was due.");
    return delivery;
  };
  const report = (delivery: Awaited<ReturnType<typeof claim>>) =>
    inServiceTransaction(worker, (sql) =>
      recordWebhookAttempt(
        sql,
        delivery,
        { ms: 1, statusCode: 200, error: null, response: null },
        { status: "delivered" },
      ),
    );
  const late = await claim();
  await makeDue();
  const current = await claim();
  expect(current).toMatchObject({ id: late.id, attempt: late.attempt + 1 });
  await report(late);
  expect((await deliveriesOf(user, id))[0]?.status).toBe("pending");
  await report(current);
  expect((await deliveriesOf(user, id))[0]?.status).toBe("delivered");
});
