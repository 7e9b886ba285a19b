import { setTimeout as sleep } from "node:timers/promises";
import { createDeathLimit } from "./death-limit.ts";
import { allFaults } from "./faults/all-faults.ts";
import type { Fault, FaultContext, Step } from "./faults/fault.ts";
import { openFaultDatabase } from "./faults/fault-database.ts";
import type { FaultName } from "./faults/names.ts";
import { waitUntil } from "./faults/wait-until.ts";
import { type Plan, planFaults } from "./plan.ts";
import type { Random } from "./random.ts";
import type { ChaosStack } from "./stack.ts";

/** The rest before a fault, by lane; faults of different lanes overlap. */
const gapMs: Record<Fault["lane"], { from: number; more: number }> = {
  kill: { from: 700, more: 2300 },
  sleep: { from: 500, more: 2000 },
  trouble: { from: 300, more: 2000 },
};
/** Half of the four workers may be away at a time. */
const lanesOf: Record<Fault["lane"], number> = { kill: 1, sleep: 2, trouble: 2 };
const lookEveryMs = 250;
/** When no kill could be injected for so long, something has ended for good. */
const stuckMs = 120_000;
/** A fault that does not happen is left out after so many tries, and the report says so. */
const mostTries = 4;

export interface Injected {
  kills: number;
  counts: Partial<Record<FaultName, number>>;
  /** Planned, and not seen to happen. */
  missed: Partial<Record<FaultName, number>>;
  /** Faults that this stack does not have, and why. */
  skipped: Partial<Record<FaultName, string>>;
  /** Claims that were taken over from workers, by what befell these. To be called once all is quiet. */
  countTakeOvers(): Promise<Partial<Record<FaultName, number>>>;
}

export interface Subject {
  stack: ChaosStack;
  random: Random;
  say: (text: string) => void;
  signal: AbortSignal;
  /** Whether so much of the load, from 0 to 1, was accepted that the faults may be as far. */
  mayGoOn: (part: number) => boolean;
}

/** Injects so many kills and what belongs to them, in lanes that overlap, at the points of the seed. */
export async function injectFaults(faults: FaultName[], kills: number, subject: Subject): Promise<Injected> {
  const { stack, random, say, signal, mayGoOn } = subject;
  const injected: Injected = { kills: 0, counts: {}, missed: {}, skipped: {}, countTakeOvers };
  const able: { name: FaultName; lane: Fault["lane"] }[] = [];
  for (const name of faults) {
    const why = allFaults[name].unable?.(stack);
    if (why === undefined) able.push({ name, lane: allFaults[name].lane });
    else injected.skipped[name] = why;
  }
  for (const [name, why] of Object.entries(injected.skipped)) say(`no ${name}: ${why}`);

  const database = openFaultDatabase(stack.databaseUrl);
  const limit = createDeathLimit(stack.limitedRestarts);
  const taken: FaultContext["taken"] = new Map();
  const failed = new AbortController();
  const context: FaultContext = {
    stack,
    database,
    signal: AbortSignal.any([signal, failed.signal]),
    asleep: new Set(),
    taken,
    mayEnd: limit.allows,
    noteEnd: limit.note,
  };
  const plan = planFaults(able, kills, random);
  const done = ({ fault }: Step, what: string) => {
    injected.counts[fault] = (injected.counts[fault] ?? 0) + 1;
    if (allFaults[fault].lane === "kill") injected.kills++;
    say(what);
  };
  const missed = ({ fault }: Step, why: string) => {
    injected.missed[fault] = (injected.missed[fault] ?? 0) + 1;
    say(`${fault} did not happen${why}`);
  };
  const lanes = (Object.keys(plan) as (keyof Plan)[]).flatMap((lane) => {
    const busy = new Set<FaultName>();
    const width =
      lane === "sleep" && stack.services.filter(({ role }) => role === "worker").length < 4
        ? 1
        : lanesOf[lane];
    return Array.from({ length: width }, () =>
      runLane({ lane, steps: plan[lane], busy, context, mayGoOn, done, missed }),
    );
  });
  try {
    await Promise.all(lanes);
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(lanes);
    await database[Symbol.asyncDispose]();
    throw error;
  }
  return injected;

  async function countTakeOvers(): Promise<Partial<Record<FaultName, number>>> {
    const counts: Partial<Record<FaultName, number>> = {};
    for (const claim of await database.abandoned([...taken.keys()])) {
      const name = taken.get(claim);
      if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
    }
    await database[Symbol.asyncDispose]();
    return counts;
  }
}

interface Lane {
  lane: Fault["lane"];
  /** Shared with the lane beside this one. */
  steps: Step[];
  /** Faults that last a while and are not to overlap with themselves. */
  busy: Set<FaultName>;
  context: FaultContext;
  mayGoOn(part: number): boolean;
  done(step: Step, what: string): void;
  missed(step: Step, why: string): void;
}

async function runLane({ lane, steps, busy, context, mayGoOn, done, missed }: Lane): Promise<void> {
  const tries = new Map<Step, number>();
  const planned = steps.length;
  let lastAt = performance.now();
  const canBe = ({ fault }: Step) =>
    (fault === "pause" || !busy.has(fault)) && (allFaults[fault].ready?.(context) ?? true);
  for (let next = steps[0]; next !== undefined; next = steps[0]) {
    await sleep(gapMs[lane].from + next.gap * gapMs[lane].more, undefined, { signal: context.signal });
    const part = 1 - steps.length / planned;
    const waitedAt = performance.now();
    // A load that stands still ends the run (see `main.ts`); one that is slow does not.
    const forEver = Number.POSITIVE_INFINITY;
    await waitUntil(forEver, () => context.signal.aborted || mayGoOn(part), lookEveryMs);
    lastAt += performance.now() - waitedAt;
    const step = await waitUntil(
      stuckMs,
      () => context.signal.aborted || steps.length === 0 || steps.find(canBe),
      50,
    );
    context.signal.throwIfAborted();
    if (step === undefined) throw new Error(`Nothing of ${next.fault} to break for ${stuckMs / 1000} s.`);
    // The lane beside this one took the last.
    if (step === true) return;
    steps.splice(steps.indexOf(step), 1);
    busy.add(step.fault);
    let why = "";
    const what = await allFaults[step.fault].inject(step, context).catch((error: unknown) => {
      if (context.signal.aborted) throw error;
      // Another fault may be in this one's way: Postgres is gone while its table is to be locked.
      why = `: ${String(error)}`;
      return undefined;
    });
    busy.delete(step.fault);
    if (what !== undefined) {
      done(step, what);
      lastAt = performance.now();
      continue;
    }
    const tried = (tries.get(step) ?? 0) + 1;
    tries.set(step, tried);
    if (lane === "kill" && performance.now() - lastAt > stuckMs)
      throw new Error(`No ${step.fault} to kill for ${stuckMs / 1000} s.`);
    if (lane !== "kill" && tried >= mostTries) missed(step, why);
    else steps.push(step);
  }
}
