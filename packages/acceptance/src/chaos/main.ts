import { setTimeout as sleep } from "node:timers/promises";
import { createUser } from "./client.ts";
import { openTruth } from "./database.ts";
import { type Flags, helpText, parseFlags } from "./flags.ts";
import { History } from "./history.ts";
import { injectFaults } from "./inject.ts";
import { checkInvariants } from "./invariants.ts";
import { offerLoad } from "./load.ts";
import { createPace } from "./pace.ts";
import { resolveUnknown, untilQuiet } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { commandOf, isBroken, jsonReport, memoryMiB, type Run, readableReport } from "./report.ts";
import { startServerEdition } from "./server-stack.ts";
import type { ChaosStack } from "./stack.ts";
import { startStandalone } from "./standalone-stack.ts";
import { startReceiver } from "./webhook-receiver.ts";

/** One with long documents, and those who ask for everything. */
const userCount = 5;
const tellEveryMs = 30_000;
/** When nothing was accepted for so long, something hangs that should not. */
const stalledMs = 180_000;
/** How long a run that was told to end may take to clear away, whatever hangs. */
const endMs = 20_000;
/** The faults have a stream of random numbers of their own, after those of the users. */
const faultStream = 1000;

const flags = parseFlags(process.argv.slice(2));
if ("trouble" in flags) {
  process.stderr.write(`${flags.trouble} --help shows the flags.\n`);
  process.exit(2);
}
if (flags.help) {
  process.stdout.write(helpText);
  process.exit(0);
}
// The readable report goes to the standard error while --json keeps the standard output for its one line.
const output = flags.json ? process.stderr : process.stdout;
const begun = performance.now();
const say = (text: string) => {
  output.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one does not wait for the stack to be cleared away; its processes end with this one.
    if (stopped.signal.aborted) process.exit(1);
    stopped.abort(new Error(`Ended by ${signal}.`));
    setTimeout(() => process.exit(1), endMs).unref();
  });
}

try {
  const run = await breakGenq(flags);
  output.write(`${readableReport(run)}\n`);
  if (flags.json) process.stdout.write(`${jsonReport(run)}\n`);
  // The stack is cleared away by now. A connection that a fault left half open would keep this process for minutes.
  process.exit(isBroken(run.verdict) ? 1 : 0);
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? error.stack : String(error)}\nTo repeat it: ${commandOf(flags)}\n`,
  );
  process.exit(1);
}

async function breakGenq(asked: Flags): Promise<Run> {
  say(`${commandOf(asked)}`);
  await using stack = await (asked.edition === "server" ? startServerEdition() : startStandalone());
  try {
    return await breakStack(stack, asked);
  } catch (error) {
    if (!stopped.signal.aborted) say(`the logs are kept in ${stack.keepFolder()}`);
    throw error;
  }
}

async function breakStack(stack: ChaosStack, asked: Flags): Promise<Run> {
  await using truth = openTruth(stack.databaseUrl);
  const users = await Promise.all(Array.from({ length: userCount }, (_, index) => createUser(stack, index)));
  await using receiver = await startReceiver(
    typeof stack.link === "string" ? "127.0.0.1" : stack.link.hostAddress,
  );
  await Promise.all(users.map((user) => receiver.subscribe(user, stack.apiUrls[0] ?? "")));
  say(`the ${stack.edition} edition is ready`);

  const history = new History();
  const enough = new AbortController();
  const signal = AbortSignal.any([enough.signal, stopped.signal]);
  const pace = createPace({
    perSecond: asked.rate,
    wanted: asked.tasks,
    countOpen: () => truth.countOpen(),
  });
  const load = offerLoad(users, { history, seed: asked.seed, pace, signal });
  const random = createRandom(asked.seed, faultStream);
  const loadBegun = performance.now();
  const stalled = Promise.withResolvers<never>();
  let [grown, grownAt] = [0, loadBegun];
  const progress = setInterval(() => {
    const accepted = history.accepted();
    say(`${accepted} tasks accepted; this client holds ${memoryMiB()} MiB`);
    if (accepted > grown) [grown, grownAt] = [accepted, performance.now()];
    else if (performance.now() - grownAt > stalledMs)
      stalled.reject(new Error(`Nothing was accepted for ${stalledMs / 1000} s.`));
  }, tellEveryMs);
  // The faults are spread over the load: so many tasks are accepted between them, not after them.
  const mayGoOn = (part: number) => history.accepted() >= asked.tasks * part;
  const context = { stack, random, say, signal: stopped.signal, mayGoOn };
  const injecting = injectFaults(asked.faults, asked.kills, context).then(async (injected) => {
    while (history.accepted() < asked.tasks) await sleep(500, undefined, { signal: stopped.signal });
    return injected;
  });
  const faults = await Promise.race([injecting, stalled.promise, stack.gaveUp]).finally(() => {
    enough.abort();
    clearInterval(progress);
  });
  await load;
  const acceptedPerSecond = Math.round((history.accepted() / (performance.now() - loadBegun)) * 10_000) / 10;
  say(`no more faults; ${history.asks.length} requests`);
  const quietBegun = performance.now();
  say(`${await resolveUnknown(users, history)} were unknown and were asked again`);
  await untilQuiet(truth, { say, signal: stopped.signal });
  const quietSeconds = Math.round((performance.now() - quietBegun) / 100) / 10;
  say("quiet; checking");
  const takeOvers = await faults.countTakeOvers();
  const pauses = (faults.counts.pause ?? 0) + (faults.counts.partition ?? 0);
  const verdict = await checkInvariants({ stack, truth, users, history, receiver, pauses });
  if (isBroken(verdict)) say(`the logs are kept in ${stack.keepFolder()}`);
  const seconds = Math.round((performance.now() - begun) / 1000);
  return { flags: asked, history, verdict, faults, takeOvers, seconds, acceptedPerSecond, quietSeconds };
}
