import { Worker } from "node:worker_threads";
import { beatFd } from "../beats.ts";
import type { Progress } from "./yield-to-events.ts";

export interface BeatThreadData {
  fd: number;
  everyMs: number;
  shared: Int32Array;
}

const everyMs = 250;

/** Tells the parent about this process's progress and memory from a thread of its own. */
export function startBeats(progress: Progress): void {
  const workerData: BeatThreadData = { fd: beatFd, everyMs, shared: progress.shared };
  new Worker(new URL("./beat.ts", import.meta.url), { workerData }).unref();
}
