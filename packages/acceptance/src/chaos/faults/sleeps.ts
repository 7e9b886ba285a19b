import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../stack.ts";
import { awake, type FaultContext, type Inject } from "./fault.ts";
import type { FaultName } from "./names.ts";
import { signalTo, waitUntil } from "./wait-until.ts";

/** How long to look for a worker that runs something. */
const searchMs = 20_000;
/** Leases are renewed each second. */
const silentAfterMs = 3000;
/** A lease of ten seconds, and what reconcilers may take to give its task to another. */
const takenOverMs = 25_000;
const readMs = 5000;
/** The embedded one frees itself from each connection of a sleeper after 5 s. */
const embeddedReadMs = 45_000;
/** The one who takes over shall be at work when the sleeper wakes up. */
const longestRestMs = 2500;

/** Stops a worker that runs a task until another one has taken the task over. */
export const pauseWorker: Inject = async (step, context) => {
  const worker = await busyWorker(awake(context, "worker", step.target));
  const pid = worker?.pid();
  if (worker === undefined || pid === undefined || context.asleep.has(worker)) return undefined;
  return await whileAway("pause", worker, step.length, context, {
    leave: () => void signalTo(pid, "SIGSTOP"),
    // Its number may be another process's when it died meanwhile.
    comeBack: () => void (worker.pid() === pid && signalTo(pid, "SIGCONT")),
  });
};

/** Takes the network from the worker that lives in one of its own, which does not hear of it and works on. */
export const partitionWorker: Inject = async (step, context) => {
  const { link } = context.stack;
  if (typeof link === "string") return undefined;
  const last = awake(context, "worker", 0).filter(
    (one) => new URL(one.healthUrl).hostname === link.guestAddress,
  );
  const worker = await busyWorker(last);
  if (worker === undefined || context.asleep.has(worker)) return undefined;
  return await whileAway("partition", worker, step.length, context, { leave: link.cut, comeBack: link.heal });
};

async function whileAway(
  name: FaultName,
  worker: Service,
  length: number,
  context: FaultContext,
  way: { leave(): void; comeBack(): void },
): Promise<string | undefined> {
  const { stack, database, asleep, taken, signal } = context;
  const begun = performance.now();
  // The sleeper may hold up the whole of an embedded Postgres: the one who wakes it up must not wait for that.
  const read = () =>
    Promise.race([
      database.silentClaims().catch(() => undefined),
      sleep(stack.edition === "server" ? readMs : embeddedReadMs, undefined, { ref: false }),
    ]);
  asleep.add(worker);
  try {
    const before = await read();
    if (before === undefined) return undefined;
    way.leave();
    await sleep(silentAfterMs, undefined, { signal });
    const held = [...((await read()) ?? new Map()).keys()].filter((claim) => !before.has(claim));
    // It had just finished.
    if (held.length === 0) return undefined;
    for (const claim of held) taken.set(claim, name);
    const others = stack.services.filter((one) => one.role === "worker" && !asleep.has(one));
    const ranOut = await waitUntil(takenOverMs, async () => {
      signal.throwIfAborted();
      const silent = await read();
      if (silent === undefined) return false;
      // Nobody else is there to take it over: it runs out, and the sleeper itself does.
      if (others.length === 0) return held.some((claim) => silent.get(claim)?.expired);
      return held.every((claim) => !silent.has(claim));
    });
    const lost = ranOut === undefined ? [] : await database.abandoned(held).catch(() => []);
    if (ranOut === undefined || (others.length > 0 && lost.length === 0)) return undefined;
    await sleep(length * longestRestMs, undefined, { signal });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    const fate = others.length > 0 ? `${lost.length} of its claims were taken over` : "its lease ran out";
    return `${name} of worker ${worker.index} for ${seconds} s; ${fate}`;
  } finally {
    way.comeBack();
    asleep.delete(worker);
  }
}

/** The first of these that says that it runs a task. */
async function busyWorker(workers: Service[]): Promise<Service | undefined> {
  return await waitUntil(
    searchMs,
    async () => {
      for (const worker of workers) if ((await runningTasks(worker)) > 0) return worker;
      return undefined;
    },
    30,
  );
}

async function runningTasks({ healthUrl }: Service): Promise<number> {
  try {
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(500) });
    const health: unknown = await response.json();
    const running: unknown =
      typeof health === "object" && health !== null ? Reflect.get(health, "running") : 0;
    return typeof running === "number" ? running : 0;
  } catch {
    return 0;
  }
}
