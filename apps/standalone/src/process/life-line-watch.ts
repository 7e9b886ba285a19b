import { setInterval, setTimeout } from "node:timers";
import { parentPort, workerData } from "node:worker_threads";

const pollMs = 500;
const graceMs = 3000;

const timer = setInterval(() => {
  if (parentIsGone()) endSoon();
}, pollMs);
parentPort?.once("message", endSoon);

function endSoon(): void {
  clearInterval(timer);
  setTimeout(end, graceMs);
}

/** An orphan gets another parent on Unix; on Windows the number stays and names nobody. */
function parentIsGone(): boolean {
  if (process.ppid !== workerData) {
    return true;
  }
  try {
    process.kill(process.ppid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** The launcher's children lead a process group of their own: theirs go with them. */
function end(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.kill(process.pid, "SIGKILL");
  }
}
