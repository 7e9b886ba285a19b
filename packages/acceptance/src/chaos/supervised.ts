import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inheritedEnv } from "../env.ts";

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
/** Ends a process when the one that started it is gone, however that went. */
const lifeLine = `${repository}apps/standalone/src/process/life-line.ts`;
const restartMs = 250;

export interface SupervisedOptions {
  /** Path of its main file from the root of the repository. */
  main: string;
  env: Record<string, string>;
  logFile: string;
  /** What its command begins with: a way into a network of its own. */
  within?: readonly string[];
}

/** A process that is started again whenever it ends, with the processes that it started, as an orchestrator does. */
export interface Supervised {
  /** Undefined while it is not running. */
  pid(): number | undefined;
  /** The code or signal of its last end. */
  lastExit(): string | undefined;
  stop(): Promise<void>;
}

export function supervise(options: SupervisedOptions): Supervised {
  let stopping = false;
  let child: ChildProcess | undefined;
  let lastExit: string | undefined;
  const start = () => {
    if (stopping) return;
    child = startNode(options);
    child.once("exit", (code, signal) => {
      lastExit = signal ?? String(code);
      killGroup(child);
      setTimeout(start, restartMs);
    });
  };
  start();
  return {
    pid: () => (child === undefined || hasEnded(child) ? undefined : child.pid),
    lastExit: () => lastExit,
    stop: async () => {
      stopping = true;
      if (child === undefined || hasEnded(child)) return;
      const gone = once(child, "exit");
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      if ((await Promise.race([gone, sleep(12_000, "late", { ref: false })])) === "late") killGroup(child);
      await gone;
    },
  };
}

/** Runs a main file to its end. @throws Error when that is not a good one */
export async function runToEnd(options: SupervisedOptions): Promise<void> {
  const [code] = await once(startNode(options), "exit");
  if (code !== 0) throw new Error(`${options.main} ended with ${String(code)}; ${options.logFile} says why.`);
}

function startNode({ main, env, logFile, within = [] }: SupervisedOptions): ChildProcess {
  const log = openSync(logFile, "a");
  const [command = process.execPath, ...args] = [
    ...within,
    process.execPath,
    "--import",
    lifeLine,
    `${repository}${main}`,
  ];
  try {
    return spawn(command, args, {
      cwd: repository,
      env: { ...inheritedEnv(), ...env },
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left of it.
  }
}
