import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { createWorkQueue, type Place } from "./work-queue.ts";

/** A queue whose work ends when the test says, and tells what runs. */
function open() {
  const queue = createWorkQueue({ running: { interactive: 2, bulk: 1 }, total: 10 });
  const running = new Map<string, () => void>();
  const submit = (name: string, place: Partial<Place> = {}) =>
    queue.run({ priority: "interactive", ...place }, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      running.set(name, resolve);
      return promise.finally(() => running.delete(name));
    });
  const runs = async () => {
    await setImmediate();
    return [...running.keys()];
  };
  const end = async (name: string) => {
    running.get(name)?.();
    return await runs();
  };
  return { submit, runs, end };
}

it("runs work alone: after what runs, before what comes later", async () => {
  const { submit, runs, end } = open();
  void submit("a");
  void submit("b", { priority: "bulk" });
  void submit("lone", { alone: true });
  void submit("c");
  expect(await runs()).toEqual(["a", "b"]);
  expect(await end("a")).toEqual(["b"]);
  expect(await end("b")).toEqual(["lone"]);
  void submit("d", { priority: "bulk" });
  expect(await runs()).toEqual(["lone"]);
  expect(await end("lone")).toEqual(["c", "d"]);
});

it("lets both lanes have their turn between two that run alone", async () => {
  const { submit, runs, end } = open();
  for (const name of ["first", "second"]) void submit(name, { alone: true });
  void submit("a");
  expect(await runs()).toEqual(["first"]);
  expect(await end("first")).toEqual(["a"]);
  expect(await end("a")).toEqual(["second"]);
});

it("holds nobody up for one that was aborted before its time", async () => {
  const { submit, runs } = open();
  const controller = new AbortController();
  void submit("a");
  const lone = submit("lone", { alone: true, signal: controller.signal });
  void submit("b");
  expect(await runs()).toEqual(["a"]);
  controller.abort();
  await expect(lone).rejects.toMatchObject({ code: "aborted" });
  expect(await runs()).toEqual(["a", "b"]);
});
