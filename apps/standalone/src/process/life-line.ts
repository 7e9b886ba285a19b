import { isMainThread, Worker } from "node:worker_threads";

/*
 * Loaded into every child by `--import`: no child outlives the launcher. When the channel to it closes the process is
 * asked to end as by SIGTERM; a thread of its own, which no blocked event loop can hold up, ends it for good.
 */
if (isMainThread && process.channel) {
  process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel.unref();
  new Worker(new URL("./life-line-watch.ts", import.meta.url), {
    execArgv: [],
    workerData: process.ppid,
  }).unref();
}
