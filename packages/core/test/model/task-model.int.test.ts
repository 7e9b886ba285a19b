import assert from "node:assert/strict";
import { queueNames, webhookEventTypes } from "@genq/contract";
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import { openTestStack } from "../open-test-stack.ts";
import { openClockedDatabase } from "./clocked-database.ts";
import { taskCommands } from "./commands.ts";
import { createRealSystem, snapshotOf } from "./real-system.ts";
import * as rule from "./task-model.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** How many seeds are run, from 1 on, or the one that is. */
    taskModel: { runs: number; seed: string | undefined };
  }
}

const stack = await openTestStack();
const users = [await stack.createUser(), await stack.createUser(), await stack.createUser()];
const clock = await openClockedDatabase(stack.databaseUrl);
const [subscriber = ""] = users;
await clock.sql`insert into genq.webhook_endpoints (user_id, url, event_types, created_at, updated_at)
  values (${subscriber}, 'https://example.com/', ${webhookEventTypes}, pg_catalog.now(), pg_catalog.now())`;
afterAll(() => clock.end());
const real = createRealSystem(clock, users);

const { seed, runs } = inject("taskModel");

it("does what design §4 says, for every seed", { timeout: 600_000 }, async () => {
  const only = seed === undefined ? undefined : Number(seed);
  for (let next = only ?? 1; next < (only ?? 1) + (only === undefined ? runs : 1); next++) {
    await runSeed(next);
    if (next % 250 === 0) await clock.sql`vacuum`;
  }
});

/** @throws Error with the shortest steps that show it, and how to repeat them */
async function runSeed(seed: number): Promise<void> {
  const property = fc.asyncProperty(
    fc.commands(taskCommands, { maxCommands: 18, size: "max" }),
    async (commands) => {
      const model: rule.Model = {
        now: Date.parse("2030-01-01T00:00:00Z"),
        tasks: [],
        keys: [],
        claims: [],
        subscriber,
      };
      try {
        await fc.asyncModelRun(() => ({ model, real }), commands);
        await drain(model);
      } finally {
        await real.clear();
      }
    },
  );
  const result = await fc.check(property, { seed, numRuns: 1, endOnFailure: false });
  if (!result.failed) return;
  const [steps] = result.counterexample ?? [];
  const error = result.errorInstance;
  throw new Error(
    `seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n  ${String(steps).split(",").join("\n  ")}\n` +
      `Again: MODEL_SEED=${seed} npm test -- packages/core/test/model`,
    { cause: error },
  );
}

/** No task is lost: leases run out, rings are lost no more, and what waits is claimed and done. */
async function drain(model: rule.Model): Promise<void> {
  for (let round = 1; rule.open(model).length > 0; round++) {
    assert(round < 20, `still open: ${JSON.stringify(rule.open(model))}`);
    model.now += rule.rules.leaseMs + rule.rules.silentMs;
    clock.now = model.now;
    assert.deepEqual((await real.requeueAbandoned()).sort(), rule.requeueAbandoned(model).sort());
    for (const queue of queueNames) {
      const heard = rule.ring(model, queue);
      if (heard.length > 0) assert.deepEqual((await real.ring(queue)).sort(), heard.sort());
    }
    if (rule.expire(model) > 0) await real.expire();
    for (const queue of queueNames) {
      const claims = rule.claimNext(model, queue, 9).map(({ id, attempt }) => ({ taskId: id, attempt }));
      if (claims.length === 0) continue;
      assert.deepEqual(await real.claimNext(queue, 9), claims);
      const completed = claims.map((claim) => rule.complete(model, claim));
      assert.deepEqual(await real.completeTogether(claims, "embed"), completed);
    }
  }
  expect(await real.read()).toEqual(snapshotOf(model));
}
