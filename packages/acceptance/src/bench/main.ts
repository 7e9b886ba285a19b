import { benchDurability } from "./durability.ts";
import { runElsewhere } from "./elsewhere.ts";
import { benchFairness } from "./fairness.ts";
import { describeMachine, Figures } from "./figures.ts";
import { helpText, parseFlags } from "./flags.ts";
import { measureMainJob } from "./main-job.ts";
import { startStandalone, takeRunning } from "./subject.ts";

if (await runElsewhere(process.argv.slice(2))) process.exit();
if (process.argv[2] === "fairness") {
  try {
    await benchFairness(process.argv.slice(3));
    process.exit();
  } catch (error) {
    process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

if (process.argv[2] === "durability") {
  await benchDurability(process.argv.slice(3));
  process.exit();
}

const flags = parseFlags(process.argv.slice(2));
if ("trouble" in flags) {
  process.stderr.write(`${flags.trouble} --help shows the flags.\n`);
  process.exit(2);
}
if (flags.help) {
  process.stdout.write(helpText);
  process.exit(0);
}

const begun = performance.now();
// Figures go to the standard error while --json keeps the standard output for its one line.
const output = flags.json ? process.stderr : process.stdout;
const figures = new Figures(({ name, value, unit, of }) => {
  output.write(
    `${name.padEnd(60)} ${String(value).padStart(9)} ${unit}${of === undefined ? "" : ` ${of}`}\n`,
  );
});
try {
  await using subject =
    flags.url === undefined ? await startStandalone(figures) : takeRunning(flags.url, flags.workerUrls);
  await measureMainJob(subject, figures, flags.secondsPerLoad);
  if (flags.json) {
    const seconds = Math.round((performance.now() - begun) / 1000);
    const { edition } = subject;
    const report = { bench: "main-job", edition, figures: figures.all, machine: describeMachine(), seconds };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
} catch (error) {
  process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
