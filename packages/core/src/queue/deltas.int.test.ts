import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskDelta } from "@genq/contract";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, expect, it } from "vitest";
import { openTestStack } from "../../test/open-test-stack.ts";
import { openTcpProxy } from "../../test/tcp-proxy.ts";
import { deltaNamespace } from "./delta-publisher.ts";
import {
  type DeltaPublisher,
  type DeltaSubscriber,
  openDeltaPublisher,
  openDeltaSubscriber,
} from "./index.ts";

const stack = await openTestStack();
const options = { url: stack.queueUrl, prefix: stack.queuePrefix };
const opened: (DeltaPublisher | DeltaSubscriber)[] = [];
const open = <Side extends DeltaPublisher | DeltaSubscriber>(side: Side): Side => {
  opened.push(side);
  return side;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((side) => side.close()));
});
const proxy = await openTcpProxy(stack.queueUrl);
afterAll(() => proxy.close());

/** Publishes a task's pieces one after the other, each as often as it takes. */
function speak(publisher: DeltaPublisher, task_id: string, attempt = 1) {
  let offset = 0;
  return async (...pieces: string[]) => {
    for (const delta of pieces) {
      await expect.poll(() => publisher.publish({ task_id, attempt, offset, delta })).toBe(true);
      offset += delta.length;
    }
  };
}
async function listen(subscriber: DeltaSubscriber, taskId: string) {
  const heard: TaskDelta[] = [];
  const end = await subscriber.subscribe(taskId, (delta) => heard.push(delta));
  if (end === undefined) throw new Error("The queue did not answer.");
  return { heard, end, text: () => heard.map(({ delta }) => delta).join("") };
}

it("brings each task's text, whole and in order, to all who asked for it and to nobody else", async () => {
  const publisher = open(openDeltaPublisher(options));
  const [here, there] = [open(openDeltaSubscriber(options)), open(openDeltaSubscriber(options))];
  const [task, other] = [randomUUID(), randomUUID()];
  const texts = {
    [task]: ["東京は", "晴れ", "です。👨‍👩‍👧", '\n"fin" é'],
    [other]: ["🗻", "x".repeat(8192)],
  };
  const one = await listen(here, task);
  const two = await listen(there, task);
  const again = await listen(there, task);
  const otherOne = await listen(here, other);
  await Promise.all(Object.entries(texts).map(([id, pieces]) => speak(publisher, id)(...pieces)));

  for (const { heard } of [one, two, again]) {
    await expect.poll(() => heard.map(({ delta }) => delta)).toEqual(texts[task]);
    expect(heard.map(({ offset }) => offset)).toEqual([0, 3, 5, 16]);
    expect(heard.every(({ task_id, attempt }) => task_id === task && attempt === 1)).toBe(true);
  }
  await expect.poll(() => otherOne.text()).toBe(`🗻${"x".repeat(8192)}`);
});

it("tells a late listener by the offset that it missed something, and calls nobody who left", async () => {
  const publisher = open(openDeltaPublisher(options));
  const subscriber = open(openDeltaSubscriber(options));
  const task = randomUUID();
  const say = speak(publisher, task);
  const early = await listen(subscriber, task);
  await say("one ");
  await expect.poll(early.text).toBe("one ");
  const late = await listen(subscriber, task);
  await say("two ");
  await expect.poll(() => late.heard).toEqual([{ task_id: task, attempt: 1, offset: 4, delta: "two " }]);
  await expect.poll(early.text).toBe("one two ");
  early.end();
  await say("three");
  await expect.poll(late.text).toBe("two three");
  expect(early.text()).toBe("one two ");
});

it("hears rising attempts and offsets only, and nothing malformed", async () => {
  const publisher = open(openDeltaPublisher(options));
  const subscriber = open(openDeltaSubscriber(options));
  const task_id = randomUUID();
  const { heard, text } = await listen(subscriber, task_id);
  await speak(publisher, task_id)("dead ");
  await speak(publisher, task_id, 2)("a", "live ", "one");
  await speak(publisher, task_id, 1)("the stale one ");
  const forged = [
    { task_id, attempt: 2, offset: 1, delta: "late " },
    { task_id, attempt: 3, offset: 0, delta: "" },
    { task_id, attempt: 3, offset: -1, delta: "x" },
    { task_id, attempt: "9", offset: 0, delta: "x" },
    { task_id, attempt: 3, offset: 0, delta: "x".repeat(8193) },
    { task_id, attempt: 3, offset: 0 },
  ];
  for (const delta of forged) expect(await publisher.publish(delta as TaskDelta)).toBe(true);
  await speak(publisher, task_id, 4)("end");
  await expect.poll(text).toBe("dead alive oneend");
  expect(heard.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 2, 4]);
});

it.each(["refuse", "swallow"] as const)(
  "no publish and no subscription takes long while the queue is away (%s), and both go on after",
  async (how) => {
    const away = { ...options, url: proxy.url, onError: () => undefined };
    const [publisher, subscriber] = [open(openDeltaPublisher(away)), open(openDeltaSubscriber(away))];
    const task_id = randomUUID();
    const before = await listen(subscriber, task_id);
    await speak(publisher, task_id)("before ");
    await expect.poll(before.text).toBe("before ");

    proxy[how]();
    let [offset, longestMs] = [7, 0];
    for (let n = 0; n < 30; n++) {
      const begun = performance.now();
      expect(await publisher.publish({ task_id, attempt: 1, offset, delta: "lost " })).toBe(false);
      longestMs = Math.max(longestMs, performance.now() - begun);
      offset += 5;
      await sleep(75);
    }
    expect(longestMs).toBeLessThan(1000);
    const begun = performance.now();
    const unheard = await subscriber.subscribe(randomUUID(), () => undefined);
    if (how === "refuse") expect(unheard).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(3000);

    proxy.pass();
    const goesOn = async () => {
      await publisher.publish({ task_id, attempt: 1, offset, delta: "after " });
      offset += 6;
      return before.text();
    };
    // A connection that was half-open is made anew. What was sent as it broke may still come.
    await expect.poll(goesOn, { timeout: 40_000, interval: 300 }).toMatch(/^before (lost ){0,2}(after )+$/);
    expect((await listen(subscriber, task_id)).heard).toEqual([]);
  },
  90_000,
);

it("leaves nothing behind, also of what nobody hears", async () => {
  const [publisher, subscriber] = [openDeltaPublisher(options), openDeltaSubscriber(options)];
  const task = randomUUID();
  const { text } = await listen(subscriber, task);
  await speak(publisher, task)("heard");
  await speak(publisher, randomUUID())(..."for nobody");
  await expect.poll(text).toBe("heard");
  // Here a process that dies would leave what ends by itself.
  await expect.poll(lasting).toEqual([]);
  await subscriber.close();
  await publisher.close();
  expect(await lasting()).toEqual([]);
});

/** What the channel keeps with no end of its own. */
async function lasting(): Promise<unknown[]> {
  if (/^redis/.test(stack.queueUrl)) {
    const redis = new Redis(stack.queueUrl);
    const keys = await redis.keys(`${stack.queuePrefix}*deltas*`);
    const left = [];
    for (const key of keys) if ((await redis.pttl(key)) === -1) left.push(key);
    redis.disconnect();
    return left;
  }
  const client = new pg.Client(stack.queueUrl);
  await client.connect();
  const { rows } = await client.query(
    "select topic from bullmq.relay_inbox where ns = $1 union all select topic from bullmq.relay_retained where ns = $1",
    [deltaNamespace(stack.queuePrefix)],
  );
  await client.end();
  return rows;
}
