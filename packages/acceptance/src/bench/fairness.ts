import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createGenqClient, type GenqClient } from "@genq/sdk";
import { startServerEdition } from "../chaos/server-stack.ts";
import { signUp } from "../stack/sign-up.ts";
import { describeMachine, Figures } from "./figures.ts";

const helpText = `Usage: bash .ci/servers --queue redis npm run bench -- fairness [--tasks N] [--users N] [--json]

How long a task of each of many small users takes while one user has a large backlog, beside the same on an empty system.
Times are those of the server: from created_at to finished_at.

  --tasks N   the large user's backlog (10000)
  --users N   small users with one task each (100)
  --rounds N  how often each is measured (3); figures are medians
  --json      one line of JSON at the end
`;

const short = { texts: ["The lantern flashes twice."] };
const atOnce = 20;

/** Runs the benchmark with its own flags, and sets the exit code. */
export async function benchFairness(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tasks: { type: "string", default: "10000" },
      users: { type: "string", default: "100" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(helpText);
    return;
  }
  const [tasks, users, rounds] = [Number(values.tasks), Number(values.users), Number(values.rounds)];
  const output = values.json ? process.stderr : process.stdout;
  const figures = new Figures(({ name, value, unit, of }) => {
    output.write(
      `${name.padEnd(60)} ${String(value).padStart(9)} ${unit}${of === undefined ? "" : ` ${of}`}\n`,
    );
  });
  const begun = performance.now();
  await using stack = await startServerEdition();
  const clients = await inTurns(Array.from({ length: users + 1 }), 8, async (_none, index) => {
    const { token } = await signUp(stack.supabaseUrl, stack.publishableKey);
    const apiUrl = stack.apiUrls[index % stack.apiUrls.length] ?? "";
    return createGenqClient({ apiUrl, getAccessToken: () => token });
  });
  const [large, ...small] = clients;
  if (large === undefined) throw new Error("There are no users.");

  await waitsOf(clients); // What a first task pays for.
  const empty: Waits[] = [];
  for (let round = 0; round < rounds; round++) empty.push(await waitsOf(clients));

  const workers = stack.services.filter(({ role }) => role === "worker");
  const signal = (name: NodeJS.Signals) => {
    for (const pid of workers.map((worker) => worker.pid())) if (pid !== undefined) process.kill(pid, name);
  };
  // Idle workers that stand still while the backlog is made; otherwise a fast machine has none to measure with.
  signal("SIGSTOP");
  try {
    await inTurns(Array.from({ length: tasks }), atOnce, () => large.embedAsync(short));
  } finally {
    signal("SIGCONT");
  }
  await sleep(1000);
  const loaded: Waits[] = [];
  const backlogs = [await backlogOf(large)];
  for (let round = 0; round < rounds; round++) {
    loaded.push(await waitsOf(small));
    backlogs.push(await backlogOf(large));
  }

  const [alone, beside] = [medianOf(empty), medianOf(loaded)];
  figures.add(`empty system, ${users + 1} users with one task each, p50`, alone.p50Ms, "ms");
  figures.add(`empty system, ${users + 1} users with one task each, p99`, alone.p99Ms, "ms");
  figures.add("waiting tasks of all when the small users came", backlogs[0] ?? 0, "tasks");
  figures.add("waiting tasks of all at the end", backlogs.at(-1) ?? 0, "tasks");
  figures.add(`beside one user with ${tasks}, ${users} users, p50`, beside.p50Ms, "ms");
  figures.add(`beside one user with ${tasks}, ${users} users, p99`, beside.p99Ms, "ms");
  figures.add("p99 beside the large user", beside.p99Ms / alone.p99Ms, "times", "that of the empty system");
  if ((backlogs.at(-1) ?? 0) === 0)
    throw new Error("The backlog was gone before the end: give more --tasks.");
  if (values.json) {
    const seconds = Math.round((performance.now() - begun) / 1000);
    const ratio = Number((beside.p99Ms / alone.p99Ms).toPrecision(3));
    const report = { bench: "fairness", ratio, figures: figures.all, machine: describeMachine(), seconds };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
}

interface Waits {
  p50Ms: number;
  p99Ms: number;
}

/** One short task of each, all at about the same time. @throws Error when one does not complete */
async function waitsOf(clients: readonly GenqClient[]): Promise<Waits> {
  const submitted = await inTurns(clients, atOnce, async (genq) => ({
    genq,
    id: (await genq.embedAsync(short)).id,
  }));
  const waits = await inTurns(submitted, atOnce, async ({ genq, id }) => {
    const { status, created_at, finished_at } = await genq.tasks.wait(id);
    if (status !== "completed" || finished_at === null) throw new Error(`A task ${status}.`);
    return Date.parse(finished_at) - Date.parse(created_at);
  });
  waits.sort((one, other) => one - other);
  const quantile = (part: number) =>
    waits[Math.min(waits.length - 1, Math.ceil(waits.length * part) - 1)] ?? 0;
  return { p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

async function backlogOf(genq: GenqClient): Promise<number> {
  return (await genq.health()).queue.waiting.embed ?? 0;
}

function medianOf(rounds: readonly Waits[]): Waits {
  const median = (values: number[]) =>
    values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
  return {
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
  };
}

/** Maps items, so many of them at a time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const lane = async () => {
    for (const [index, item] of left) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: limit }, lane));
  return results;
}
