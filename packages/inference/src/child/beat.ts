import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { formatBeat } from "../beats.ts";
import type { BeatThreadData } from "./start-beats.ts";

/**
 * A thread that tells the parent how the process does while its main thread runs a model, computes or hangs. It ends
 * the process when nobody listens any more.
 */
const { fd, everyMs, shared }: BeatThreadData = workerData;

setInterval(() => {
  try {
    const [steps = 0, tokens = 0] = shared;
    writeSync(fd, formatBeat({ steps, tokens, rssBytes: process.memoryUsage.rss() }));
  } catch (error) {
    // A full pipe is a parent that is busy; it has heard enough.
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return;
    process.kill(process.pid, "SIGKILL");
  }
}, everyMs);
