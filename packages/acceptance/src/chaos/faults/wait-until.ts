import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks until the answer is neither false nor undefined; undefined when it never was. */
export async function waitUntil<Value>(
  timeoutMs: number,
  ask: () => Value | Promise<Value>,
  everyMs = 100,
): Promise<Value | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) return undefined;
    await sleep(everyMs);
  }
}

/** Whether a process runs. One that ended and whose parent does not take note of it, being stopped itself, does not. */
export function isAlive(pid: number): boolean {
  if (!signalTo(pid, 0)) return false;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    // It ended in between, or this is no Linux.
    return process.platform !== "linux";
  }
}

/** Sends a signal to a process that may be gone. Returns whether it was there. */
export function signalTo(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch {
    return false;
  }
}
