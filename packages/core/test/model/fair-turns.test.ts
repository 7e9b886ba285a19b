import fc from "fast-check";
import { expect, test } from "vitest";
import * as rule from "./task-model.ts";

/*
 * That the SQL follows the model is another test's business; this one asks whether the model is fair. Nobody is given
 * back or held up here, so the order is that of turns alone.
 */

const users = ["u", "v", "w"];
const steps = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant("submit"), n: fc.nat({ max: 2 }) }),
    fc.record({ act: fc.constantFrom("claim", "complete"), n: fc.nat({ max: 9 }) }),
  ),
  { minLength: 20, maxLength: 150, size: "max" },
);

/** Whose tasks are claimed, with `slots` of a worker; after each claim `then` may submit. */
class Line {
  readonly model: rule.Model = { now: 0, tasks: [], keys: [], claims: [] };
  #ids = 0;

  submit(user: string): void {
    this.model.now++;
    const limits = { ...rule.rules, maxQueued: Number.POSITIVE_INFINITY };
    const made = rule.submit(this.model, { user, kind: "embed", key: undefined, hash: "" }, limits);
    if (typeof made === "function") made(String(this.#ids++).padStart(6, "0"));
  }

  claim(): string | undefined {
    const limits = { ...rule.rules, runningPerUser: Number.POSITIVE_INFINITY };
    return rule.claimNext(this.model, "embed", 1, limits)[0]?.user;
  }

  complete(n: number): void {
    const running = this.model.tasks.filter((task) => task.status === "processing");
    const task = running[n % Math.max(1, running.length)];
    if (task !== undefined) rule.complete(this.model, { taskId: task.id, attempt: task.attempt });
  }

  waits(user: string): boolean {
    return this.model.tasks.some((task) => task.user === user && task.status === "queued");
  }
}

test("nobody waits for more than one task of each other user, whatever is submitted and when", () => {
  const property = fc.property(steps, (taken) => {
    const line = new Line();
    const passedBy = new Map<string, string[]>();
    for (const { act, n } of taken) {
      if (act === "submit") line.submit(users[n] ?? "");
      if (act === "complete") line.complete(n);
      const served = act === "claim" ? line.claim() : undefined;
      if (served === undefined) continue;
      for (const user of users) {
        const passed = user === served || !line.waits(user) ? [] : [...(passedBy.get(user) ?? []), served];
        expect(passed).toEqual([...new Set(passed)]);
        passedBy.set(user, passed);
      }
    }
  });
  fc.assert(property, { numRuns: 2000, seed: 1 });
});

test("users who submit again as soon as they are served don't hold up one with a backlog", () => {
  const line = new Line();
  for (let n = 0; n < 10; n++) line.submit("v");
  const served: (string | undefined)[] = [];
  for (let n = 0; n < 30; n++) {
    for (const user of ["u", "w"]) if (!line.waits(user)) line.submit(user);
    served.push(line.claim());
    line.complete(0);
  }
  for (let n = 0; n < 30; n += 3) expect(served.slice(n, n + 3).sort()).toEqual(["u", "v", "w"]);
});
