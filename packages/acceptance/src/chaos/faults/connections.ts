import { setTimeout as sleep } from "node:timers/promises";
import type { ProxyCounts, ProxyMode } from "../../stack/proxy-mode.ts";
import { postgresCommitted, type TcpProxy } from "../../stack/tcp-proxy.ts";
import type { Service } from "../stack.ts";
import { awake, type Inject, pickBy, type Step } from "./fault.ts";
import { signalTo, waitUntil } from "./wait-until.ts";

/** Shorter and longer than a lease. */
const heldMs = { from: 2000, more: 11_000 };
/** How long to wait for somebody to come that way. */
const patienceMs = 10_000;
const storms = 8;
const stormGapMs = 250;

interface Way {
  text: string;
  to: "postgres" | "redis";
  mode(step: Step): ProxyMode;
  /** What shows that it happened. */
  sign: keyof ProxyCounts;
}

const ways: Way[] = (["postgres", "redis"] as const).flatMap((to) => [
  { text: "swallows both ways", to, mode: () => ({ kind: "swallow" }), sign: "swallowedBytes" },
  {
    text: "swallows answers",
    to,
    mode: () => ({ kind: "swallow", way: "to-client" }),
    sign: "swallowedBytes",
  },
  {
    text: "swallows requests",
    to,
    mode: () => ({ kind: "swallow", way: "to-server" }),
    sign: "swallowedBytes",
  },
  {
    text: "delays",
    to,
    mode: ({ length }) => ({ kind: "delay", ms: 50 + Math.round(length * 1500) }),
    sign: "delayedChunks",
  },
  { text: "refuses", to, mode: () => ({ kind: "refuse" }), sign: "refused" },
]);

/** The connections of one process to Postgres or Redis go wrong, or those of all break after a COMMIT. */
export const breakConnections: Inject = async (step, context) => {
  if (context.stack.edition === "standalone") return await stopPostgres(step, context);
  if (step.way < 0.25) return await cutAfterCommit(context.stack.services);
  const way = pickBy(
    ways.filter(({ to }) => to === "postgres" || context.stack.redisUrl !== undefined),
    (step.way - 0.25) / 0.75,
  );
  // Two workers for one api.
  const third = step.target * 3;
  const [first] = third < 2 ? awake(context, "worker", third / 2) : awake(context, "api", third - 2);
  const proxy = way && first?.ways?.[way.to];
  if (way === undefined || first === undefined || proxy === undefined) return undefined;
  const before = proxy.counts[way.sign];
  const ms = heldMs.from + Math.round(step.length * heldMs.more);
  proxy.set(way.mode(step));
  try {
    await sleep(ms, undefined, { signal: context.signal });
    const seen = await waitUntil(patienceMs, () => proxy.counts[way.sign] > before);
    if (seen === undefined) return undefined;
  } finally {
    proxy.set({ kind: "pass" });
  }
  return `${first.role} ${first.index} to ${way.to} ${way.text} for ${ms} ms`;
};

/** The next COMMIT of each process succeeds, and its answer is lost with the connection. */
async function cutAfterCommit(services: Service[]): Promise<string | undefined> {
  const proxies = services.flatMap((one): TcpProxy[] => (one.ways === undefined ? [] : [one.ways.postgres]));
  const cuts = () => proxies.reduce((sum, { counts }) => sum + counts.cutsAtPattern, 0);
  const before = cuts();
  for (const proxy of proxies)
    proxy.set({ kind: "cut-at", pattern: postgresCommitted, way: "to-client", times: 1 });
  await waitUntil(patienceMs, () => cuts() - before === proxies.length);
  for (const proxy of proxies) proxy.set({ kind: "pass" });
  const count = cuts() - before;
  return count === 0 ? undefined : `${count} connections cut after COMMIT`;
}

/** Everything that is connected to the embedded Postgres is half-open while it is stopped. */
const stopPostgres: Inject = async (step, { stack, signal }) => {
  const pid = stack.postgres?.pid();
  const ms = heldMs.from + Math.round(step.length * heldMs.more);
  if (!signalTo(pid, "SIGSTOP")) return undefined;
  try {
    await sleep(ms, undefined, { signal });
  } finally {
    if (stack.postgres?.pid() === pid) signalTo(pid, "SIGCONT");
  }
  return `SIGSTOP of Postgres for ${ms} ms`;
};

export const terminateBackends: Inject = async (_, { database }) => {
  let count = 0;
  for (let storm = 0; storm < storms; storm++) {
    count += await database.terminateBackends().catch(() => 0);
    await sleep(stormGapMs);
  }
  return count === 0 ? undefined : `pg_terminate_backend of ${count} connections in ${storms} storms`;
};

const exhaustedMs = { from: 3000, more: 5000 };

/** No connection is left; or the pools are empty because all wait for a lock. */
export const exhaustPool: Inject = async (step, { stack, database }) => {
  const ms = exhaustedMs.from + Math.round(step.length * exhaustedMs.more);
  if (stack.edition === "server" && step.way < 0.5)
    return (await database.exhaustConnections(ms)) ? `no connection to Postgres for ${ms} ms` : undefined;
  const waiting = await database.lockTasks(ms);
  // The embedded Postgres runs one transaction at a time: nobody gets as far as the lock.
  if (waiting === 0 && stack.edition === "server") return undefined;
  return `tasks locked for ${ms} ms, ${waiting} waited at the end`;
};
