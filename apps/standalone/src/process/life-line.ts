import { isMainThread, Worker } from "node:worker_threads";

/*
 * Loaded into every child by `--import`: no child outlives the launcher. When the channel to it closes the process is
 * asked to end as by SIGTERM, and takes the processes that it started along; a thread of its own, which no blocked
 * event loop can hold up, ends it for good.
 */
if (isMainThread && process.channel) {
  const watch = new Worker(new URL("./life-line-watch.ts", import.meta.url), {
    execArgv: [],
    workerData: process.ppid,
  });
  watch.unref();
  process.on("disconnect", () => {
    process.on("exit", endGroup);
    // Also when the parent was gone before this began: then its number tells the thread nothing.
    watch.postMessage("gone");
    process.kill(process.pid, "SIGTERM");
  });
  process.channel.unref();
}

function endGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    // Not the leader of a group: nothing of its own to end.
  }
}
