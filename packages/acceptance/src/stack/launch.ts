import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { inheritedEnv } from "../env.ts";
import { descendants, type ProcessInfo } from "./processes.ts";

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const launcherFile = "apps/standalone/src/main.ts";

export interface LaunchOptions {
  port: number;
  dataDir: string;
  env?: Record<string, string>;
  /** How long it may take to be ready. */
  timeoutMs?: number;
}

/** A standalone edition that was started by `npm start`. */
export interface LaunchedStack {
  apiUrl: string;
  supabaseUrl: string;
  publishableKey: string;
  /** Milliseconds from `npm start` to the line that says ready. */
  readyMs: number;
  /** What was on standard output but npm's own lines. */
  output: string;
  /** npm itself, whose signals a terminal or a supervisor sends. */
  npm: ChildProcess;
  /** The launcher, which npm started through a shell. */
  launcher: ProcessInfo;
  /** Everything that `npm start` started. */
  processes(): ProcessInfo[];
  /** The end of what was on its standard error. */
  lastWords(): string;
}

/** How `npm start` ended before it was ready. */
export class LaunchFailed extends Error {
  override readonly name = "LaunchFailed";
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(exitCode: number | null, stderr: string) {
    super(`npm start ended with ${exitCode} before it was ready:\n${stderr}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Runs the real `npm start` and waits until it says that it is ready. @throws LaunchFailed */
export async function launch(options: LaunchOptions): Promise<LaunchedStack> {
  const { port, dataDir, env = {}, timeoutMs = 60_000 } = options;
  const flags = ["--json", "--port", String(port), "--data", dataDir, "--models", "mini"];
  const begun = performance.now();
  const npm = spawn("npm", ["start", "--", ...flags], {
    cwd: repository,
    env: { ...inheritedEnv(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  npm.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-20_000);
  });
  const exited = once(npm, "exit");
  const ready = new Promise<string>((resolve) => {
    npm.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (/^\{.*\}\n/m.test(stdout)) resolve(stdout);
    });
  });
  const timer = setTimeout(() => npm.kill("SIGTERM"), timeoutMs);
  const first = await Promise.race([ready, exited.then(() => undefined)]);
  clearTimeout(timer);
  if (first === undefined) throw new LaunchFailed(npm.exitCode, stderr);
  const readyMs = Math.round(performance.now() - begun);
  // npm prints the name of the script and its command, each after "> ".
  const output = first.replace(/^(> .*)?\n/gm, "");
  const facts: unknown = JSON.parse(output);
  return {
    ...readFacts(facts),
    readyMs,
    output,
    npm,
    launcher: findLauncher(npm),
    processes: () => descendants(npm.pid ?? 0),
    lastWords: () => stderr.slice(-1000),
  };
}

function readFacts(facts: unknown): Pick<LaunchedStack, "apiUrl" | "supabaseUrl" | "publishableKey"> {
  const read = (name: string): string => {
    const value: unknown = typeof facts === "object" && facts !== null ? Reflect.get(facts, name) : undefined;
    if (typeof value !== "string") throw new Error(`The line of --json has no "${name}".`);
    return value;
  };
  return {
    apiUrl: read("api_url"),
    supabaseUrl: read("supabase_url"),
    publishableKey: read("publishable_key"),
  };
}

function findLauncher(npm: ChildProcess): ProcessInfo {
  const found = descendants(npm.pid ?? 0).filter((one) => one.command.includes(launcherFile));
  // The shell's command line names it, too; the launcher is the one further down.
  const launcher = found.at(-1);
  if (launcher === undefined) throw new Error("The launcher is not among the processes of npm start.");
  return launcher;
}

/** Ends a stack as a supervisor would, and kills what is left after ten seconds. */
export async function shutDown(stack: LaunchedStack): Promise<void> {
  const processes = stack.processes();
  if (stack.npm.exitCode === null && stack.npm.signalCode === null) {
    const exited = once(stack.npm, "exit");
    process.kill(stack.launcher.pid, "SIGTERM");
    const timer = setTimeout(() => {
      for (const { pid } of processes) killHard(pid);
      stack.npm.kill("SIGKILL");
    }, 10_000);
    await exited;
    clearTimeout(timer);
  }
}

/** Kills a process that may have ended by itself. */
export function killHard(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
