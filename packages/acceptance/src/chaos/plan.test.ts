import { expect, test } from "vitest";
import { planFaults } from "./plan.ts";
import { createRandom } from "./random.ts";

const faults = [
  { name: "worker", lane: "kill" },
  { name: "redis", lane: "kill" },
  { name: "postgres", lane: "kill" },
  { name: "pause", lane: "sleep" },
  { name: "partition", lane: "sleep" },
  { name: "storage", lane: "trouble" },
  { name: "queue", lane: "trouble" },
] as const;
const plan = (kills: number, seed: number) => planFaults(faults, kills, createRandom(seed, 1000));
const count = (steps: { fault: string }[], name: string) =>
  steps.filter(({ fault }) => fault === name).length;

test("the same seed gives the same faults, targets and gaps; another seed does not", () => {
  expect(plan(50, 7)).toEqual(plan(50, 7));
  expect(plan(50, 7)).not.toEqual(plan(50, 8));
});

test("kills are as many as asked for, in equal parts; a fifth are pauses, and nothing is left out", () => {
  const { kill, sleep, trouble } = plan(1000, 1);
  expect(kill).toHaveLength(1000);
  for (const name of ["worker", "redis", "postgres"]) expect([333, 334]).toContain(count(kill, name));
  expect([count(sleep, "pause"), count(sleep, "partition")]).toEqual([200, 50]);
  expect([count(trouble, "storage"), count(trouble, "queue")]).toEqual([50, 50]);
  const few = plan(3, 1);
  expect([few.kill.length, count(few.sleep, "pause"), few.trouble.length]).toEqual([3, 1, 2]);
});

test("lanes are in no order of kinds, and every number is a part of one", () => {
  const { kill } = plan(300, 3);
  const names = kill.map(({ fault }) => fault);
  expect(names).not.toEqual(names.toSorted());
  for (const { gap, target, way, length } of kill)
    for (const part of [gap, target, way, length]) expect(part >= 0 && part < 1).toBe(true);
});
