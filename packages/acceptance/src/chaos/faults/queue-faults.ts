import { setTimeout as sleep } from "node:timers/promises";
import { askRedis } from "../redis.ts";
import type { Inject } from "./fault.ts";

const fullMs = { from: 2000, more: 6000 };
const racingMs = 6000;

/** All rings are lost. */
export const emptyQueue: Inject = async (_, { stack, database }) => {
  if (stack.redisUrl === undefined) {
    await database.emptyQueue();
    return "all jobs of the queue deleted";
  }
  if ((await askRedis(stack.redisUrl, "FLUSHALL")) !== "+OK") return undefined;
  return "FLUSHALL";
};

/** Redis refuses every write for some seconds. */
export const fillRedis: Inject = async (step, { stack }) => {
  const url = stack.redisUrl;
  if (url === undefined) return undefined;
  const was = (await askRedis(url, "CONFIG", "GET", "maxmemory")).split("\r\n").at(-1) ?? "0";
  try {
    await askRedis(url, "CONFIG", "SET", "maxmemory", "1");
    const refused = (await askRedis(url, "SET", "genq-chaos-probe", "1")).startsWith("-OOM");
    if (!refused) return undefined;
    const ms = fullMs.from + Math.round(step.length * fullMs.more);
    await sleep(ms);
    return `Redis full for ${ms} ms`;
  } finally {
    // A Redis that was killed meanwhile forgets it by itself.
    await askRedis(url, "CONFIG", "SET", "maxmemory", was).catch(() => undefined);
  }
};

/** All rings are lost, and every worker's reconciler rings again, with those of two more workers. */
export const raceReconcilers: Inject = async (step, context) => {
  const start = context.stack.startExtraWorker;
  if (start === undefined) return undefined;
  const started = await Promise.allSettled([start(), start()]);
  const workers = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    const lost = workers.length === 2 ? await emptyQueue(step, context) : undefined;
    if (lost === undefined) return undefined;
    await sleep(racingMs);
    return `${lost} beside two more workers`;
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
};
