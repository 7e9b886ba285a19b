import { workerData } from "node:worker_threads";
import { overMemorySignal } from "./protocol.ts";

/**
 * A thread in the parsing child that works on while the parser hangs: it ends the process when the parent is gone,
 * or when the resident memory passes its cap.
 */
const { parentId, maxMemoryBytes }: { parentId: number; maxMemoryBytes: number } = workerData;

setInterval(() => {
  if (process.ppid !== parentId) process.kill(process.pid, "SIGKILL");
  if (process.memoryUsage.rss() > maxMemoryBytes) process.kill(process.pid, overMemorySignal);
}, 100);
