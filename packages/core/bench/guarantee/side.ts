import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";
import type { ServerCosts, ServerWatch } from "./server-costs.ts";

/** One of the two that are compared: who adds, who works, and how to see that all is done. */
export interface Side {
  producer: Child;
  workers: Child[];
  /** Whether so many tasks are done since the last round. */
  isDone(tasks: number): Promise<boolean>;
}

export interface Round {
  tasksPerSecond: number;
  /** Processor time for each task. */
  producerCpuMs: number;
  workerCpuMs: number;
  postgresCpuMs: number | null;
  redisCpuMs: number | null;
  walBytes: number;
  acceptedP50Ms: number;
  acceptedP99Ms: number;
}

const patienceMs = 120_000;

/** Adds tasks and waits until the last is done. @throws Error when they are not done in two minutes */
export async function playRound(
  { producer, workers, isDone }: Side,
  add: { tasks: number; inFlight: number; userIds: string[] },
  servers: ServerWatch,
): Promise<Round> {
  const cpu = async () => {
    const [adds, ...works] = await Promise.all([producer, ...workers].map((child) => child.ask()));
    return { adds: adds?.cpuMs ?? 0, works: works.reduce((sum, work) => sum + work.cpuMs, 0) };
  };
  const before = { ...(await cpu()), ...(await servers.costs()) };
  const begun = performance.now();
  const { acceptedMs } = await producer.ask({ add });
  while (!(await isDone(add.tasks))) {
    if (performance.now() - begun > patienceMs) throw new Error("The tasks were not done in two minutes.");
    await sleep(5);
  }
  const seconds = (performance.now() - begun) / 1000;
  const after = { ...(await cpu()), ...(await servers.costs()) };
  const spent = (cost: keyof ServerCosts) => {
    const [from, to] = [before[cost], after[cost]];
    return from === null || to === null ? null : (to - from) / add.tasks;
  };
  acceptedMs.sort((a, b) => a - b);
  return {
    tasksPerSecond: add.tasks / seconds,
    producerCpuMs: (after.adds - before.adds) / add.tasks,
    workerCpuMs: (after.works - before.works) / add.tasks,
    postgresCpuMs: spent("postgresCpuMs"),
    redisCpuMs: spent("redisCpuMs"),
    walBytes: spent("walBytes") ?? 0,
    acceptedP50Ms: acceptedMs[Math.floor(acceptedMs.length / 2)] ?? 0,
    acceptedP99Ms: acceptedMs[Math.floor(acceptedMs.length * 0.99)] ?? 0,
  };
}

/** The round whose rate is the median, and how far the others are from it, as a part of it. */
export function medianOf(rounds: Round[]): { median: Round; spread: number } {
  const sorted = rounds.toSorted((a, b) => a.tasksPerSecond - b.tasksPerSecond);
  const median = sorted[Math.floor(sorted.length / 2)];
  const [slowest, fastest] = [sorted[0], sorted.at(-1)];
  if (median === undefined || slowest === undefined || fastest === undefined) throw new Error("No rounds.");
  return { median, spread: (fastest.tasksPerSecond - slowest.tasksPerSecond) / median.tasksPerSecond };
}
