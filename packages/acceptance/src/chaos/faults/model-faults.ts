import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Inject } from "./fault.ts";
import { killHard, modelOf } from "./kills.ts";
import { isAlive, signalTo, waitUntil } from "./wait-until.ts";

/** The worker kills a model process that shows no progress for 5 s here; it has to have work to be missed. */
const deadlineMs = 5000;
const missedMs = 40_000;

export const crashModel: Inject = async (step, context) => {
  const target = modelOf(step, context);
  if (target === undefined || !(await killHard(target.pid, "SIGSEGV"))) return undefined;
  return `SIGSEGV of ${target.of}`;
};

/** It stays stopped: its worker has to find out and end it. */
export const hangModel: Inject = async (step, context) => {
  const target = modelOf(step, context);
  if (target === undefined || !signalTo(target.pid, "SIGSTOP")) return undefined;
  const begun = performance.now();
  const gone = await waitUntil(missedMs, () => !isAlive(target.pid) || context.signal.aborted);
  // Nobody asked it for anything.
  if (gone === undefined) signalTo(target.pid, "SIGCONT");
  // Something else ended it.
  if (gone === undefined || performance.now() - begun < deadlineMs * 0.8) return undefined;
  return `SIGSTOP of ${target.of}, ended after ${since(begun)}`;
};

/** It may map no more memory than it has: what it does next fails, or ends it. */
export const starveModel: Inject = async (step, context) => {
  const target = modelOf(step, context);
  if (target === undefined) return undefined;
  const begun = performance.now();
  try {
    const mapped = /^VmSize:\s+(\d+) kB/m.exec(readFileSync(`/proc/${target.pid}/status`, "utf8"))?.[1];
    execFileSync("prlimit", [`--pid=${target.pid}`, `--as=${Number(mapped) * 1024}`], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  const gone = await waitUntil(missedMs / 2, () => !isAlive(target.pid) || context.signal.aborted);
  if (gone !== undefined) return `no more memory for ${target.of}, which ended after ${since(begun)}`;
  signalTo(target.pid, "SIGKILL");
  return `no more memory for ${target.of}, which lived on until it was killed`;
};

function since(begun: number): string {
  return `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}
