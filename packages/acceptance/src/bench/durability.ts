import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createGenqClient, type GenqClient } from "@genq/sdk";
import autocannon from "autocannon";
import { askRedis } from "../chaos/redis.ts";
import { startServerEdition } from "../chaos/server-stack.ts";
import type { ChaosStack, Service } from "../chaos/stack.ts";
import { makeText } from "../documents/make-text.ts";
import type { ProxyMode } from "../stack/proxy-mode.ts";
import { signUp } from "../stack/sign-up.ts";
import { describeMachine, Figures } from "./figures.ts";

const helpText = `Usage: bash .ci/servers --queue redis npm run bench -- durability [--only NAME] [--kills N] [--json]

How long the failures that genq survives cost its users, on two apis and four workers of the server edition.

  redelivery  kill -9 of a worker that ingests, until another worker has claimed its task
  cancel      POST /task/:id/cancel of running work, until no worker runs it
  outage      POST /generate-async at 20 connections while Redis is away, until all accepted tasks are done
  flush       FLUSHALL with tasks queued, until all of them are done

  --only NAME    one of them
  --kills N      kills of workers (30)
  --seconds N    how long Redis is away (60)
  --tasks N      queued when Redis is emptied (5000)
  --json         one line of JSON at the end
`;

const connections = 20;
const drainMs = 300_000;
const short = { texts: ["The lantern flashes twice."] };

interface Bench {
  stack: ChaosStack;
  genq: GenqClient;
  token: string;
  figures: Figures;
  kills: number;
  seconds: number;
  tasks: number;
}

const parts: Record<string, (bench: Bench) => Promise<void>> = {
  redelivery: measureRedelivery,
  cancel: measureCancel,
  outage: measureOutage,
  flush: measureFlush,
};

/** Runs the benchmark with its own flags, and sets the exit code. */
export async function benchDurability(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      kills: { type: "string", default: "30" },
      seconds: { type: "string", default: "60" },
      tasks: { type: "string", default: "5000" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || (values.only !== undefined && !(values.only in parts))) {
    process.stdout.write(helpText);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const output = values.json ? process.stderr : process.stdout;
  const figures = new Figures(({ name, value, unit }) => {
    output.write(`${name.padEnd(70)} ${String(value).padStart(9)} ${unit}\n`);
  });
  const begun = performance.now();
  await using stack = await startServerEdition();
  const { token } = await signUp(stack.supabaseUrl, stack.publishableKey);
  const genq = createGenqClient({ apiUrl: stack.apiUrls[0] ?? "", getAccessToken: () => token });
  const [kills, seconds, tasks] = [Number(values.kills), Number(values.seconds), Number(values.tasks)];
  for (const [name, measure] of Object.entries(parts)) {
    if (values.only !== undefined && values.only !== name) continue;
    await measure({ stack, genq, token, figures, kills, seconds, tasks });
  }
  if (values.json) {
    const report = { bench: "durability", figures: figures.all, machine: describeMachine() };
    const took = Math.round((performance.now() - begun) / 1000);
    process.stdout.write(`${JSON.stringify({ ...report, seconds: took })}\n`);
  }
}

/** Two of four workers die in each round, so that their tasks find others. */
async function measureRedelivery({ stack, genq, figures, kills }: Bench): Promise<void> {
  const seconds: number[] = [];
  const workers = workersOf(stack);
  for (let round = 0; seconds.length < kills; round++) {
    await untilUp(workers);
    const ids = await Promise.all(workers.map((_worker, index) => startIngestion(genq, round * 10 + index)));
    await until("the ingestions run", async () => (await runningOf(workers)).every((running) => running > 0));
    const held = await Promise.all(ids.map((id) => genq.tasks.get(id)));
    const victims = [0, 1].map((offset) => workers[(round + offset) % workers.length]);
    const killedAt = Date.now();
    for (const victim of victims) kill(victim, "SIGKILL");
    // Whose tasks they were is seen by the next attempt.
    let found = 0;
    await until("the tasks are claimed again", async () => {
      const now = await Promise.all(ids.map((id) => genq.tasks.get(id)));
      const again = now.filter((task, index) => task.attempt > (held[index]?.attempt ?? 0));
      found = again.length;
      if (found < victims.length) return false;
      for (const task of again) seconds.push((Date.parse(task.started_at ?? "") - killedAt) / 1000);
      return true;
    });
    await Promise.all(ids.map((id) => genq.tasks.cancel(id)));
  }
  addQuantiles(figures, "redelivery after kill -9 of a worker", seconds, "s");
}

async function measureCancel({ stack, genq, figures }: Bench): Promise<void> {
  const workers = workersOf(stack);
  await untilUp(workers);
  const ms: number[] = [];
  for (let round = 0; ms.length < 20 && round < 100; round++) {
    await until("nothing runs", async () => (await runningOf(workers)).every((running) => running === 0));
    const { id } = await genq.generateAsync({ text: makeText(20_000, round), max_new_tokens: 512 });
    await until("it runs", async () => (await genq.tasks.get(id)).status !== "queued");
    const begun = performance.now();
    const { status } = await genq.tasks.cancel(id);
    if (status !== "canceled") continue;
    await until("no worker runs it", async () =>
      (await runningOf(workers)).every((running) => running === 0),
    );
    ms.push(performance.now() - begun);
  }
  if (ms.length === 0) throw new Error("Each generation was done before it could be canceled.");
  addQuantiles(figures, "cancel of a running generation", ms, "ms");
}

async function measureOutage({ stack, genq, token, figures, seconds }: Bench): Promise<void> {
  const ways = stack.services.flatMap(({ ways }) => ways?.redis ?? []);
  if (ways.length === 0) throw new Error("This measures Redis: use --queue redis.");
  const set = (mode: ProxyMode) => {
    for (const way of ways) way.set(mode);
  };
  for (const kind of ["refuse", "swallow"] as const) {
    set({ kind });
    const load = await autocannon({
      url: `${stack.apiUrls[0] ?? ""}/embed-async`,
      connections,
      duration: seconds,
      overallRate: 60,
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(short),
    });
    set({ kind: "pass" });
    const name = `Redis away for ${seconds} s (${kind})`;
    figures.add(`${name}, POST /embed-async, p99`, load.latency.p99, "ms");
    figures.add(`${name}, accepted`, load["2xx"], "tasks");
    figures.add(`${name}, not accepted`, load.non2xx + load.errors + load.timeouts, "requests");
    figures.add(`${name}, until all are done`, await untilDrained(genq), "s");
  }
}

async function measureFlush({ stack, genq, figures, tasks }: Bench): Promise<void> {
  const { redisUrl } = stack;
  if (redisUrl === undefined) throw new Error("This measures Redis: use --queue redis.");
  const workers = workersOf(stack);
  await untilUp(workers);
  for (const worker of workers) kill(worker, "SIGSTOP");
  try {
    let left = tasks;
    const client = async () => {
      while (left-- > 0) await genq.embedAsync(short);
    };
    await Promise.all(Array.from({ length: connections }, client));
    await askRedis(redisUrl, "FLUSHALL");
  } finally {
    for (const worker of workers) kill(worker, "SIGCONT");
  }
  figures.add(`FLUSHALL with ${tasks} queued, until all are done`, await untilDrained(genq), "s");
}

function workersOf(stack: ChaosStack): Service[] {
  return stack.services.filter(({ role }) => role === "worker");
}

function kill(service: Service | undefined, signal: NodeJS.Signals): void {
  const pid = service?.pid();
  if (pid !== undefined) process.kill(pid, signal);
}

/** How many tasks each runs; -1 of one that does not answer. */
function runningOf(workers: readonly Service[]): Promise<number[]> {
  return Promise.all(
    workers.map(async ({ healthUrl }) => {
      const response = await fetch(healthUrl).catch(() => undefined);
      return response === undefined ? -1 : ((await response.json()) as { running: number }).running;
    }),
  );
}

async function untilUp(workers: readonly Service[]): Promise<void> {
  await until("all workers are ready", async () => {
    const states = await Promise.all(
      workers.map(({ healthUrl }) => fetch(new URL("/ready", healthUrl)).catch(() => undefined)),
    );
    return states.every((response) => response?.ok === true);
  });
}

/** A text that takes a worker a while to read. */
async function startIngestion(genq: GenqClient, seed: number): Promise<string> {
  const name = `${Date.now()}-${seed}.txt`;
  const { task } = await genq.upload(new Blob([name, makeText(1_500_000, seed)]), { name });
  if (task === null) throw new Error("The text was there before.");
  return task.id;
}

/** Seconds until nothing waits. */
async function untilDrained(genq: GenqClient): Promise<number> {
  const begun = performance.now();
  await until("all tasks are done", async () => {
    const pages = (["queued", "processing"] as const).map((status) =>
      genq.tasks.page({ status, pageSize: 1 }),
    );
    return (await Promise.all(pages)).every(({ data }) => data.length === 0);
  });
  return (performance.now() - begun) / 1000;
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (!(await check())) {
    if (performance.now() > deadline)
      throw new Error(`It was not seen that ${what} within ${drainMs / 1000} s.`);
    await sleep(25);
  }
}

function addQuantiles(figures: Figures, name: string, values: number[], unit: string): void {
  const sorted = values.toSorted((one, other) => one - other);
  const quantile = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
  figures.add(`${name}, times`, sorted.length, "times");
  figures.add(`${name}, p50`, quantile(0.5), unit);
  figures.add(`${name}, p99`, quantile(0.99), unit);
}
