import { setTimeout as sleep } from "node:timers/promises";
import type { TaskDelta } from "@genq/contract";
import { expect, it } from "vitest";
import { createMetrics } from "../metrics.ts";
import { publishDeltas } from "./publish-deltas.ts";

const taskId = "01890000-0000-7000-8000-000000000001";

/** A channel whose answer takes `ms`, and a run that can be aborted. */
function setUp(ms = 0) {
  const published: (TaskDelta & { at: number })[] = [];
  const controller = new AbortController();
  const begun = performance.now();
  const services = {
    deltas: {
      publish: async (delta: TaskDelta) => {
        published.push({ ...delta, at: performance.now() - begun });
        await sleep(ms);
        return true;
      },
      close: () => Promise.resolve(),
    },
    metrics: createMetrics({ running: () => 0 }),
  };
  const run = { claim: { taskId, attempt: 2 }, signal: controller.signal };
  return {
    published,
    controller,
    of: (pieces: AsyncIterable<string>) => publishDeltas(services, run, pieces),
  };
}

async function* say(pieces: Iterable<string>, everyMs: number) {
  for (const piece of pieces) {
    await sleep(everyMs);
    yield piece;
  }
}
const textOf = (published: TaskDelta[]) => published.map(({ delta }) => delta).join("");

it("publishes the first piece at once, then a few together, without a gap", async () => {
  const { published, of } = setUp();
  const pieces = Array.from({ length: 60 }, (_, n) => `語${n} `);
  expect(await Array.fromAsync(of(say(pieces, 5)))).toEqual(pieces);
  await expect.poll(() => textOf(published)).toBe(pieces.join(""));
  expect(published[0]).toMatchObject({ task_id: taskId, attempt: 2, offset: 0, delta: pieces[0] });
  expect(published.length).toBeLessThan(30);
  let offset = 0;
  for (const delta of published) {
    expect(delta.offset).toBe(offset);
    offset += delta.delta.length;
  }
  const pauses = published.slice(1, -1).map(({ at }, n) => at - (published[n]?.at ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThan(60);
});

it("holds up nobody when the channel is slow, and sends what gathered in pieces of whole characters", async () => {
  const { published, of } = setUp(300);
  const text = `a${"𠮷".repeat(10_000)}`;
  const begun = performance.now();
  await Array.fromAsync(of(say(["first", text, "\u0000\ud800"], 1)));
  expect(performance.now() - begun).toBeLessThan(250);
  await expect.poll(() => textOf(published)).toBe(`first${text}\ufffd`);
  expect(published.every(({ delta }) => delta.isWellFormed() && delta.length <= 8192)).toBe(true);
});

it("publishes nothing once the claim is lost, whatever the model still says", async () => {
  const { published, controller, of } = setUp();
  for await (const text of of(say(["one ", "two ", "three ", "four "], 50))) {
    if (text === "two ") controller.abort();
  }
  await sleep(150);
  expect(textOf(published)).toBe("one ");
});

it("publishes nothing more of a text that failed", async () => {
  const { published, of } = setUp();
  async function* failing() {
    yield "one ";
    yield "two ";
    await sleep(1);
    throw new Error("The model's process ended.");
  }
  await expect(Array.fromAsync(of(failing()))).rejects.toThrow("ended");
  await sleep(150);
  expect(textOf(published)).toBe("one ");
});
