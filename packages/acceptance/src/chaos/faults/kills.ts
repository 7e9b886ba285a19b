import { setTimeout as sleep } from "node:timers/promises";
import { descendants } from "../../stack/processes.ts";
import { askRedis } from "../redis.ts";
import { processesOf } from "../stack.ts";
import { awake, type FaultContext, type Inject, pickBy, type Step } from "./fault.ts";
import { isAlive, signalTo, waitUntil } from "./wait-until.ts";

/** How long a killed process may take to be gone, and a server to be started again. */
const goneMs = 5000;
const restartedMs = 30_000;
/** Leases are renewed each second: after this a claim that was not is nobody's. */
const silentAfterMs = 3000;

export const killService =
  (role: "worker" | "api"): Inject =>
  async (step, context) => {
    const [target] = awake(context, role, step.target);
    const pid = target?.pid();
    if (target === undefined || pid === undefined || !context.mayEnd(role)) return undefined;
    const before =
      role === "worker" ? await context.database.silentClaims().catch(() => undefined) : undefined;
    if (!(await killHard(pid))) return undefined;
    context.noteEnd(role);
    if (before !== undefined) void noteTaken(before, context);
    return `kill -9 of ${role} ${target.index}`;
  };

/** Who loses its worker is seen a moment later; meanwhile the next fault comes. */
async function noteTaken(
  before: ReadonlyMap<string, unknown>,
  { database, taken }: FaultContext,
): Promise<void> {
  await sleep(silentAfterMs);
  const after = await database.silentClaims().catch(() => new Map<string, unknown>());
  for (const claim of after.keys()) {
    if (!before.has(claim) && !taken.has(claim)) taken.set(claim, "worker");
  }
}

/** One in three is a process that parses a document, where there is one: both have the same standing. */
export const killModel: Inject = async (step, context) => {
  const target = modelOf(step, context, step.way < 0.3 ? "parser" : "model");
  if (target === undefined || !(await killHard(target.pid))) return undefined;
  return `kill -9 of ${target.of}`;
};

/** A model process, or a parser: rather of a worker that is awake, which hears of its end. */
export function modelOf(
  step: Step,
  context: FaultContext,
  preferred: "model" | "parser" = "model",
): { pid: number; of: string } | undefined {
  const workers = new Set([...awake(context, "worker", step.target), ...context.asleep]);
  const roles = preferred === "parser" ? (["parser", "model"] as const) : (["model"] as const);
  for (const role of roles) {
    for (const worker of workers) {
      const found = pickBy(processesOf(role, worker.pid() ?? 0), step.length);
      if (found !== undefined) return { pid: found.pid, of: `a ${role} of worker ${worker.index}` };
    }
  }
  return undefined;
}

export const killRedis: Inject = async (_, { stack }) => {
  const { redis, redisUrl } = stack;
  const pid = redis?.pid();
  if (redis === undefined || redisUrl === undefined || pid === undefined) return undefined;
  const kept = (await askRedis(redisUrl, "CONFIG", "GET", "appendonly").catch(() => "")).endsWith("yes");
  if (!(await killHard(pid))) return undefined;
  const again = await waitUntil(restartedMs, () =>
    askRedis(redisUrl, "PING").then(
      (answer) => answer === "+PONG",
      () => false,
    ),
  );
  if (again === undefined) throw new Error("Redis was killed and did not come back.");
  return `kill -9 of Redis (${kept ? "AOF" : "nothing on disk"})`;
};

export const killPostgres: Inject = async (step, context) => {
  const { stack, database } = context;
  const pid = stack.postgres?.pid();
  if (pid === undefined || !context.mayEnd("postgres")) return undefined;
  const immediate = stack.edition === "server" && step.way < 0.5;
  if (immediate) signalTo(pid, "SIGQUIT");
  else for (const { pid: one } of [{ pid }, ...descendants(pid)]) signalTo(one, "SIGKILL");
  if ((await waitUntil(goneMs, () => stack.postgres?.pid() !== pid)) === undefined) return undefined;
  context.noteEnd("postgres");
  if ((await waitUntil(restartedMs, database.answers)) === undefined)
    throw new Error("Postgres was killed and did not come back.");
  return immediate ? "immediate stop of Postgres" : "kill -9 of Postgres";
};

export async function killHard(pid: number, signal: NodeJS.Signals = "SIGKILL"): Promise<boolean> {
  if (!signalTo(pid, signal)) return false;
  return (await waitUntil(goneMs, () => !isAlive(pid), 20)) !== undefined;
}
