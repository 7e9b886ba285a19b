import { launcherEnv } from "./env.ts";
import { helpText, parseFlags } from "./flags.ts";
import { Launcher } from "./launcher.ts";
import { Screen } from "./screen.ts";
import { StartError } from "./trouble.ts";

const flags = parseFlags(process.argv.slice(2));
if ("problem" in flags) {
  process.stderr.write(`${flags.problem}\n`);
  process.exit(2);
}
if (flags.help) {
  process.stdout.write(helpText);
  process.exit(0);
}

const env = launcherEnv();
const screen = new Screen(flags.json);
const launcher = new Launcher(flags, env, screen);

let ending = false;
async function end(exitCode: number): Promise<never> {
  if (ending) {
    // Asked twice: no more patience.
    launcher.kill();
    process.exit(exitCode);
  }
  ending = true;
  await launcher.stop();
  process.exit(exitCode);
}
process.on("SIGINT", () => void end(130));
process.on("SIGTERM", () => void end(0));
process.on("SIGHUP", () => void end(0));
process.on("exit", () => launcher.kill());

// npm passes a signal on to a shell, which ends without telling us: losing it as parent is that signal.
if (env.startedByNpm) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !ending) {
      void end(0);
    }
  }, 500).unref();
}

try {
  await launcher.start();
  await launcher.broken;
} catch (error) {
  if (!ending) {
    screen.warn(
      error instanceof StartError
        ? error.message
        : `genq can't start: ${error instanceof Error ? error.message : String(error)}`,
    );
    await end(1);
  }
}
