import assert from "node:assert/strict";
import type { QueueName } from "@genq/contract";
import fc from "fast-check";
import { type RealSystem, snapshotOf } from "./real-system.ts";
import type { Model, ModelTask } from "./task-model.ts";
import * as rule from "./task-model.ts";

export type TaskCommand = fc.AsyncCommand<Model, RealSystem>;

/** A step of a run: does the same to both, compares what they return, and then all that they hold. */
function step(
  name: string,
  run: (model: Model, real: RealSystem) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): TaskCommand {
  return {
    check,
    run: async (model, real) => {
      real.clock.now = model.now;
      await run(model, real);
      const snapshot = await real.read();
      assert.deepEqual(snapshot, snapshotOf(model), `after ${name} the tables are not what the model says`);
    },
    toString: () => name,
  };
}

const pick = <Item>(items: readonly Item[], n: number): Item => {
  const item = items[n % items.length];
  assert(item !== undefined);
  return item;
};
const hasTasks = (model: Model) => model.tasks.length > 0;
const hasClaims = (model: Model) => model.claims.length > 0;

const n = fc.nat({ max: 99 });
const user = fc.nat({ max: 2 });
const kind = fc.constantFrom<rule.ModelKind[]>("embed", "embed", "embed", "search", "generate");
const queue = fc.constantFrom<QueueName[]>("embed", "embed", "embed", "embed", "generate");
const key = fc.constantFrom(undefined, undefined, "k1", "k2");

const submit = fc.record({ user, kind, key, body: fc.constantFrom("a", "a", "b") }).map((given) =>
  step(`submit ${JSON.stringify(given)}`, async (model, real) => {
    const hash = `${given.kind} ${given.body}`;
    const request = { user: pick(real.users, given.user), kind: given.kind, key: given.key, hash };
    const rings = real.rung.length;
    const expected = rule.submit(model, request);
    const actual = await real.submit(request);
    if (typeof expected === "string") {
      assert.equal(actual, expected);
      assert.equal(real.rung.length, rings, "a replay rings");
    } else {
      assert.match(actual, /^[0-9a-f-]{36}$/, `not accepted: ${actual}`);
      expected(actual);
      assert.deepEqual(real.rung.slice(rings), [actual]);
    }
  }),
);

async function claimBoth(model: Model, real: RealSystem, queue: QueueName, limit: number) {
  const actual = await real.claimNext(queue, limit);
  // A claim may expire what is overdue, and never takes it.
  rule.expire(model, await real.expired());
  const expected = rule.claimNext(model, queue, limit);
  assert.deepEqual(
    actual,
    expected.map(({ id, attempt }) => ({ taskId: id, attempt })),
  );
  return expected;
}

async function takeBackBoth(model: Model, real: RealSystem): Promise<void> {
  real.clock.now = model.now;
  assert.deepEqual((await real.requeueAbandoned()).sort(), rule.requeueAbandoned(model).sort());
}

const claim = fc.record({ queue, limit: fc.integer({ min: 1, max: 3 }) }).map(({ queue, limit }) =>
  step(`claim ${limit} of ${queue}`, async (model, real) => {
    await claimBoth(model, real, queue, limit);
  }),
);

/** A worker dies: its claims are renewed no more and found by a reconciler at the moment that their leases end. */
const crash = queue.map((queue) =>
  step(`crash with a claim of ${queue}`, async (model, real) => {
    const [crashed] = await claimBoth(model, real, queue, 1);
    if (crashed?.leaseUntil == null) return;
    model.now = crashed.leaseUntil;
    await takeBackBoth(model, real);
  }),
);

/** What a worker says of a claim that it made at some time: the later ones more often. */
function report(name: string, run: (model: Model, real: RealSystem, claim: rule.Claim) => Promise<void>) {
  return fc
    .nat({ max: 5 })
    .map((back) =>
      step(
        `${name} of the claim ${back} before the last`,
        (model, real) => run(model, real, pick(model.claims, Math.max(0, model.claims.length - 1 - back))),
        hasClaims,
      ),
    );
}

const complete = report("complete", async (model, real, claim) => {
  const kind = model.tasks.find((task) => task.id === claim.taskId)?.kind ?? "embed";
  assert.equal(await real.complete(claim, kind), rule.complete(model, claim));
});
/** Some claims of a worker that made them one after the other, stale ones among them. */
function several(name: string, run: (model: Model, real: RealSystem, claims: rule.Claim[]) => Promise<void>) {
  return fc
    .record({ back: fc.nat({ max: 4 }), count: fc.integer({ min: 1, max: 3 }) })
    .map(({ back, count }) =>
      step(
        `${name} ${count} claims, beginning ${back} before the last`,
        (model, real) => {
          const first = Math.max(0, model.claims.length - 1 - back);
          return run(model, real, model.claims.slice(first, first + count));
        },
        hasClaims,
      ),
    );
}

const completeTogether = several("complete together", async (model, real, claims) => {
  const kindOf = (id: string) => model.tasks.find((task) => task.id === id)?.kind ?? "embed";
  const kind = kindOf(claims[0]?.taskId ?? "");
  // The log of writers knows one attempt of a task in a transaction.
  const group = claims.filter(
    ({ taskId }, index) =>
      kindOf(taskId) === kind && claims.findIndex((claim) => claim.taskId === taskId) === index,
  );
  const expected = group.map((claim) => rule.complete(model, claim));
  assert.deepEqual(await real.completeTogether(group, kind), expected);
});
const fail = report("fail", async (model, real, claim) => {
  assert.equal(await real.fail(claim), rule.fail(model, claim));
});
const hold = report("hold", async (model, real, claim) => {
  assert.equal(await real.hold(claim), rule.hold(model, claim));
});
const progress = report("progress", async (model, real, claim) => {
  const done = model.now % 97;
  assert.equal(await real.progress(claim, done), rule.progress(model, claim, done));
});
const repeat = report("release after a problem", async (model, real, claim) => {
  assert.equal(await real.release(claim, 2000, true), rule.release(model, claim, 2000, true));
});
const giveBack = report("give back", async (model, real, claim) => {
  assert.equal(await real.release(claim, 0, false), rule.release(model, claim, 0, false));
});
const renew = several("renew", async (model, real, claims) => {
  const byId = (kept: rule.Claim[]) => kept.map(({ taskId, attempt }) => `${taskId} ${attempt}`).sort();
  assert.deepEqual(byId(await real.renew(claims)), byId(rule.renew(model, claims)));
});

/** What users do to a task: mostly its owner, sometimes a stranger. */
function request(
  name: string,
  run: (model: Model, real: RealSystem, user: string, task: ModelTask) => Promise<void>,
) {
  return fc.record({ n, stranger: fc.constantFrom(false, false, false, true) }).map(({ n, stranger }) =>
    step(
      `${name} task ${n}${stranger ? " by a stranger" : ""}`,
      (model, real) => {
        const task = pick(model.tasks, n);
        const other = real.users.find((one) => one !== task.user) ?? "";
        return run(model, real, stranger ? other : task.user, task);
      },
      hasTasks,
    ),
  );
}

const cancel = request("cancel", async (model, real, user, { id }) => {
  assert.equal(await real.cancel(user, id), rule.cancel(model, user, id));
});
const remove = request("delete", async (model, real, user, { id }) => {
  assert.equal(await real.remove(user, id), rule.remove(model, user, id));
});
const retry = fc.constantFrom(undefined, "k1").chain((key) =>
  request(`retry with key ${key}`, async (model, real, user, { id }) => {
    assert.equal(await real.retry(user, id, key), rule.retry(model, user, id, key));
  }),
);

const requeue = fc.constant(0).map(() => step("take back what was abandoned", takeBackBoth));
const expire = fc.constant(0).map(() =>
  step("expire", async (model, real) => {
    assert.equal(await real.expire(), rule.expire(model));
  }),
);
const ring = queue.map((queue) =>
  step(`ring for ${queue}`, async (model, real) => {
    assert.deepEqual((await real.ring(queue)).sort(), rule.ring(model, queue).sort());
  }),
);
const forgetKeys = fc.constant(0).map(() =>
  step("forget old keys", async (model, real) => {
    rule.forgetOldKeys(model);
    await real.forgetOldKeys();
  }),
);

/** Time moves by a step, or to just before, at or just after one of the times that something ends. */
const wait = fc.constantFrom(1, 999, 2000, 60_000).map((ms) => move(`wait ${ms} ms`, () => ms));
const waitUntil = fc.record({ n, offset: fc.constantFrom(-1, 0, 0, 1) }).map(({ n, offset }) =>
  move(`wait until ${offset} ms after deadline ${n}`, (model) => {
    const deadlines = [
      ...model.tasks.flatMap((task) => [task.leaseUntil, task.leaseUntil, task.runAfter, task.expiresAt]),
      ...model.tasks.map((task) => Math.max(task.rungAt ?? 0, task.runAfter) + rule.rules.silentMs),
      ...model.keys.map((one) => one.createdAt + rule.rules.keyMs),
    ].filter((at) => at !== null && at + offset > model.now);
    return deadlines.length === 0 ? 1 : Number(pick(deadlines, n)) + offset - model.now;
  }),
);

/** Nothing in the tables changes by itself. */
function move(name: string, by: (model: Model) => number): TaskCommand {
  return {
    check: () => true,
    run: (model) => {
      model.now += by(model);
      return Promise.resolve();
    },
    toString: () => name,
  };
}

/** A crash is a claim of which nobody speaks again: that is any claim that no later step picks. */
export const taskCommands: fc.Arbitrary<TaskCommand>[] = [
  ...[submit, submit, submit, claim, claim, crash, crash, crash, waitUntil, waitUntil],
  ...[complete, completeTogether, fail, hold, progress, repeat, giveBack, renew],
  ...[cancel, remove, retry, requeue, expire, ring, forgetKeys, wait],
];
