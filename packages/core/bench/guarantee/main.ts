import { cpus } from "node:os";
import { openBenchDatabase } from "./bench-database.ts";
import { type Connections, startChild } from "./child.ts";
import { benchServers } from "./env.ts";
import { readFlags } from "./flags.ts";
import { watchServers } from "./server-costs.ts";
import { medianOf, playRound, type Round, type Side } from "./side.ts";

const flags = readFlags();
const servers = benchServers();
if (servers === undefined) {
  process.stderr.write(
    "The servers are not named. Run it so: bash .ci/servers --queue redis npm run bench -- guarantee\n",
  );
  process.exit(2);
}
const say = (line: string) => (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
const begun = performance.now();

try {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await openBenchDatabase(servers, flags.users));
  const watch = stack.use(watchServers(servers, servers.postgresPidFile));
  const connections: Connections = {
    databaseUrl: database.url,
    queueUrl: database.queueUrl,
    prefix: database.name,
  };
  const start = async (main: string) => {
    const child = await startChild(main, connections);
    stack.defer(() => child.stop());
    return child;
  };
  const startAll = (main: string) => Promise.all(Array.from({ length: flags.workers }, () => start(main)));

  const bareWorkers = await startAll("packages/core/bench/guarantee/bare-worker-main.ts");
  let bareDone = 0;
  const bare: Side = {
    producer: await start("packages/core/bench/guarantee/bare-producer-main.ts"),
    workers: bareWorkers,
    isDone: async (tasks) => {
      const done = (await Promise.all(bareWorkers.map((worker) => worker.ask()))).reduce(
        (sum, reply) => sum + reply.done,
        0,
      );
      if (done < bareDone + tasks) return false;
      bareDone = done;
      return true;
    },
  };
  const genq: Side = {
    producer: await start("packages/core/bench/guarantee/genq-producer-main.ts"),
    workers: await startAll("apps/worker/bench/guarantee-worker-main.ts"),
    isDone: () => database.allCompleted(),
  };

  const add = { inFlight: flags.inFlight, userIds: database.userIds };
  const warmUp = Math.ceil(flags.tasks / 2);
  for (const side of [bare, genq]) await playRound(side, { ...add, tasks: warmUp }, watch);
  await database.tidy();
  const rounds: { bare: Round; genq: Round }[] = [];
  for (let round = 1; round <= flags.rounds; round++) {
    const played = {
      bare: await playRound(bare, { ...add, tasks: flags.tasks }, watch),
      genq: await playRound(genq, { ...add, tasks: flags.tasks }, watch),
    };
    rounds.push(played);
    say(`round ${round}   BullMQ ${perSecond(played.bare)}   genq ${perSecond(played.genq)}`);
  }
  const completed = await database.completed();
  if (completed !== warmUp + flags.rounds * flags.tasks)
    throw new Error(`Only ${completed} tasks were completed.`);
  // What one request waits for when nothing else is going on.
  const alone = await playRound(genq, { ...add, tasks: 100, inFlight: 1 }, watch);

  const result = { bare: medianOf(rounds.map((it) => it.bare)), genq: medianOf(rounds.map((it) => it.genq)) };
  const ratio = result.genq.median.tasksPerSecond / result.bare.median.tasksPerSecond;
  for (const [name, { median, spread }] of Object.entries(result)) {
    say(
      `${name.padEnd(5)} ${perSecond(median)} (spread ${Math.round(spread * 100)} %), processor time of a task: ` +
        `producer ${milliseconds(median.producerCpuMs)}, workers ${milliseconds(median.workerCpuMs)}, ` +
        `Postgres ${milliseconds(median.postgresCpuMs)}, Redis ${milliseconds(median.redisCpuMs)}; ` +
        `log of Postgres ${Math.round(median.walBytes)} bytes; ` +
        `accepted in ${median.acceptedP50Ms.toFixed(1)} ms (p50), ${median.acceptedP99Ms.toFixed(1)} ms (p99)`,
    );
  }
  say(`alone, a task is accepted in ${alone.acceptedP50Ms.toFixed(1)} ms (p50)`);
  say(`ratio ${ratio.toFixed(2)}`);
  if (flags.json) {
    const report = {
      bench: "guarantee",
      queue: new URL(servers.queueUrl).protocol.slice(0, -1),
      ...flags,
      ratio: rounded(ratio),
      bare: { ...roundedRound(result.bare.median), spread: rounded(result.bare.spread) },
      genq: { ...roundedRound(result.genq.median), spread: rounded(result.genq.spread) },
      alone_accepted_p50_ms: rounded(alone.acceptedP50Ms),
      completed,
      cores: cpus().length,
      seconds: Math.round((performance.now() - begun) / 1000),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
} catch (error) {
  process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

function perSecond(round: Round): string {
  return `${Math.round(round.tasksPerSecond)} tasks/s`;
}

function milliseconds(value: number | null): string {
  return value === null ? "unknown" : `${value.toFixed(3)} ms`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function roundedRound(round: Round) {
  return {
    tasks_per_second: rounded(round.tasksPerSecond),
    producer_cpu_ms: rounded(round.producerCpuMs),
    worker_cpu_ms: rounded(round.workerCpuMs),
    postgres_cpu_ms: round.postgresCpuMs === null ? null : rounded(round.postgresCpuMs),
    redis_cpu_ms: round.redisCpuMs === null ? null : rounded(round.redisCpuMs),
    wal_bytes: Math.round(round.walBytes),
    accepted_p50_ms: rounded(round.acceptedP50Ms),
    accepted_p99_ms: rounded(round.acceptedP99Ms),
  };
}
