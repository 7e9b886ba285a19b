import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";

/*
 * PGlite's defaults, but for `-F`: fsync stays on, for what it is worth (PGlite's files on disk do not pass it on today:
 * data survives kill -9 of every process, not the loss of power). `--single -O -j` is how PGlite runs Postgres inside
 * one thread; parallel workers and background processes do not exist there.
 */
const startParams = [
  ["--single", "-O", "-j"],
  [
    "search_path=public",
    "exit_on_error=false",
    "log_checkpoints=false",
    "io_method=sync",
    // Tells clients to set no idle_in_transaction_session_timeout: the gateway watches them (silence-watch.ts), and here
    // that timeout, which runs out while the machine sleeps, ends the one session and so the process.
    "genq.ends_silent_clients=on",
  ].flatMap((it) => ["-c", it]),
  [
    "max_worker_processes",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_parallel_maintenance_workers",
  ].flatMap((name) => ["-c", `${name}=0`]),
].flat();

export function databaseFolder(dataFolder: string): string {
  return join(dataFolder, "postgres");
}

/** Opens the database in a folder, and makes it first when the folder is empty. */
export function openEngine(folder: string): Promise<PGlite> {
  return PGlite.create({ dataDir: folder, extensions: { vector }, startParams, relaxedDurability: false });
}
