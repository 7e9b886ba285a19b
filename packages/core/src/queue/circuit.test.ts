import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createCircuit } from "./circuit.ts";

it("lets one caller wait while the server is away, and all again when it is back", async () => {
  const circuit = createCircuit({ boundMs: 400, pauseMs: 600 });
  let asked = 0;
  let answers = false;
  const work = () => {
    asked++;
    return answers ? Promise.resolve("heard") : new Promise<string>(() => undefined);
  };
  expect(await circuit.run(work)).toBeUndefined();
  const begun = performance.now();
  expect(await Promise.all(Array.from({ length: 20 }, () => circuit.run(work)))).not.toContain("heard");
  expect(performance.now() - begun).toBeLessThan(300);
  expect(asked).toBe(1);

  await sleep(650);
  expect(await Promise.all([1, 2, 3].map(() => circuit.run(work)))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(asked).toBe(2);
  answers = true;
  await sleep(650);
  expect(await circuit.run(work)).toBe("heard");
  expect(await Promise.all([1, 2, 3].map(() => circuit.run(work)))).toEqual(["heard", "heard", "heard"]);
});

it("takes a failure for an outage", async () => {
  const circuit = createCircuit({ boundMs: 1000, pauseMs: 1000 });
  let asked = 0;
  const work = () => {
    asked++;
    return Promise.reject(new Error("OOM command not allowed"));
  };
  expect([await circuit.run(work), await circuit.run(work)]).toEqual([undefined, undefined]);
  expect(asked).toBe(1);
});
