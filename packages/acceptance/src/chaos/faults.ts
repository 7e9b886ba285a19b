import { setTimeout as sleep } from "node:timers/promises";
import { killHard } from "../stack/launch.ts";
import type { ProcessInfo } from "../stack/processes.ts";
import type { TruthDatabase } from "./database.ts";
import { createDeathLimit } from "./death-limit.ts";
import type { FaultName } from "./flags.ts";
import type { Random } from "./random.ts";
import { flushAll } from "./redis.ts";
import { type ChaosStack, processesOf, type Role } from "./stack.ts";

const gapMs = { from: 1500, to: 4500 };
/** Longer than a lease of ten seconds, and the reconciler's five until another worker is rung. */
const pausedMs = { from: 16_000, to: 22_000 };
/** When no fault of the plan could be injected for so long, something has ended for good. */
const stuckMs = 90_000;

interface Subject {
  stack: ChaosStack;
  truth: TruthDatabase;
  random: Random;
  say: (text: string) => void;
  signal: AbortSignal;
}

/** So many kills in a random order, and for each five of them one of the faults that kill nothing. */
export function planFaults(
  faults: FaultName[],
  kills: number,
  stack: ChaosStack,
  random: Random,
): FaultName[] {
  const killing = faults.filter((name) => isKill(name, stack));
  const plan = Array.from({ length: killing.length === 0 ? 0 : kills }, () => random.pick(killing));
  for (const name of faults) {
    if (!killing.includes(name)) plan.push(...Array.from({ length: Math.ceil(kills / 5) }, () => name));
  }
  const shuffled = plan.map((name) => ({ name, at: random.next() })).sort((a, b) => a.at - b.at);
  return shuffled.flatMap(({ name }) => (name === undefined ? [] : [name]));
}

/** The embedded Postgres is killed; a server's loses its connections. */
function isKill(name: FaultName, { edition }: ChaosStack): boolean {
  return (
    name === "worker" ||
    name === "api" ||
    name === "model" ||
    (name === "postgres" && edition === "standalone")
  );
}

/** Injects a plan at random points. Resolves how many processes were killed, and which other faults there were. */
export async function injectFaults(
  plan: FaultName[],
  subject: Subject,
): Promise<{ kills: number; others: number }> {
  const { stack, random, say, signal } = subject;
  const limit = createDeathLimit(stack.limitedRestarts);
  const pausing: Pauses = { pauses: [], paused: new Set() };
  const left = [...plan];
  const done = { kills: 0, others: 0 };
  let lastAt = performance.now();
  while (left.length > 0) {
    await sleep(random.between(gapMs.from, gapMs.to), undefined, { signal });
    const index = left.findIndex((name) => limit.allows(name));
    const name = left[index];
    if (name === undefined) continue;
    const injected = await inject(name, subject, pausing);
    if (injected === undefined) {
      if (performance.now() - lastAt > stuckMs)
        throw new Error(`No ${name} to break for ${stuckMs / 1000} s.`);
      // There is none right now: another fault first.
      left.push(...left.splice(index, 1));
      continue;
    }
    lastAt = performance.now();
    left.splice(index, 1);
    limit.note(name);
    done[isKill(name, stack) ? "kills" : "others"]++;
    say(injected);
  }
  await Promise.all(pausing.pauses);
  return done;
}

interface Pauses {
  pauses: Promise<void>[];
  /** Processes that are stopped. */
  paused: Set<number>;
}

/** What was done; undefined when there was nothing to break. */
async function inject(
  name: FaultName,
  { stack, truth, random }: Subject,
  { pauses, paused }: Pauses,
): Promise<string | undefined> {
  // Who is paused shall wake up with its stale claims, not die before.
  const one = (role: Role) => random.pick(processesOf(role).filter(({ pid }) => !paused.has(pid)));
  const kill = (what: string, target: ProcessInfo | undefined) => {
    if (target === undefined) return undefined;
    killHard(target.pid);
    return `kill -9 of ${what} ${target.pid}`;
  };
  switch (name) {
    case "worker":
    case "api":
      return kill(name, one(name));
    case "model":
      // A process that parses a document has the same standing as one that runs a model.
      return kill("a model or parser", random.chance(0.3) ? (one("parser") ?? one("model")) : one("model"));
    case "pause": {
      const target = one("worker");
      // Somebody must be awake to take the sleeper's tasks over.
      if (target === undefined || paused.size > 0) return undefined;
      const ms = random.between(pausedMs.from, pausedMs.to);
      process.kill(target.pid, "SIGSTOP");
      paused.add(target.pid);
      pauses.push(sleep(ms).then(() => resume(target, paused)));
      return `SIGSTOP of worker ${target.pid} for ${ms} ms`;
    }
    case "queue":
      if (stack.redisUrl === undefined) await truth.emptyQueue().catch(() => undefined);
      else await flushAll(stack.redisUrl);
      return stack.redisUrl === undefined ? "all rings deleted" : "FLUSHALL";
    case "postgres":
      if (stack.edition === "standalone") return kill("Postgres", one("postgres"));
      await truth.terminateBackends().catch(() => undefined);
      return "pg_terminate_backend of all";
  }
}

function resume(target: ProcessInfo, paused: Set<number>): void {
  paused.delete(target.pid);
  // Its number may have been given to another process since it was killed.
  if (processesOf("worker").some(({ pid }) => pid === target.pid)) process.kill(target.pid, "SIGCONT");
}
