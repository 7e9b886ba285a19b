import { createUser } from "./client.ts";
import { openTruth } from "./database.ts";
import { injectFaults, planFaults } from "./faults.ts";
import { type Flags, helpText, parseFlags } from "./flags.ts";
import { History } from "./history.ts";
import { checkInvariants } from "./invariants.ts";
import { offerLoad } from "./load.ts";
import { resolveUnknown, untilQuiet } from "./quiet.ts";
import { createRandom } from "./random.ts";
import { commandOf, isBroken, jsonReport, type Run, readableReport } from "./report.ts";
import { startServerEdition } from "./server-stack.ts";
import { startStandalone } from "./standalone-stack.ts";

const userCount = 4;
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
  });
}

try {
  const run = await breakGenq(flags);
  output.write(`${readableReport(run)}\n`);
  if (flags.json) process.stdout.write(`${jsonReport(run)}\n`);
  process.exitCode = isBroken(run.verdict) ? 1 : 0;
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? error.stack : String(error)}\nTo repeat it: ${commandOf(flags)}\n`,
  );
  process.exitCode = 1;
}

async function breakGenq(asked: Flags): Promise<Run> {
  say(`${commandOf(asked)}`);
  await using stack = await (asked.edition === "server" ? startServerEdition() : startStandalone());
  await using truth = openTruth(stack.databaseUrl);
  const users = await Promise.all(Array.from({ length: userCount }, (_, index) => createUser(stack, index)));
  say(`the ${stack.edition} edition is ready`);

  const history = new History();
  const enough = new AbortController();
  const load = offerLoad(users, history, asked.seed, AbortSignal.any([enough.signal, stopped.signal]));
  const random = createRandom(asked.seed, faultStream);
  const plan = planFaults(asked.faults, asked.kills, stack, random);
  const done = await injectFaults(plan, { stack, truth, random, say, signal: stopped.signal }).finally(() =>
    enough.abort(),
  );
  await load;
  say(`no more faults; ${history.asks.length} requests`);
  await resolveUnknown(users, history);
  say("nothing is unknown");
  say(`${await untilQuiet(truth, stopped.signal)} tasks are open`);
  const verdict = await checkInvariants(stack, truth, users, history);
  if (isBroken(verdict)) say(`the logs are kept in ${stack.keepFolder()}`);
  const seconds = Math.round((performance.now() - begun) / 1000);
  return { flags: asked, history, verdict, kills: done.kills, otherFaults: done.others, seconds };
}
