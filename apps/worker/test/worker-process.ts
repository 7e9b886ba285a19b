import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Ends it when the test's own process is gone. */
const lifeLine = new URL("../../standalone/src/process/life-line.ts", import.meta.url).href;

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** What it wrote so far, a line each. */
  readonly lines: string[];
  /** Sends a signal and waits for the end. Resolves the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** Starts the worker as its own process, as an operator would. */
export function startWorkerProcess(env: Record<string, string>): WorkerProcess {
  const child = spawn(process.execPath, ["--import", lifeLine, main], {
    env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
    });
  }
  const exit = once(child, "exit");
  return {
    child,
    lines,
    end: async (signal) => {
      child.kill(signal);
      const [code, killedBy] = (await exit) as [number | null, NodeJS.Signals | null];
      return code ?? killedBy ?? 0;
    },
  };
}
