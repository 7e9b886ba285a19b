import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { postgresEnv } from "../env.ts";
import { acquireLock } from "../lock.ts";
import { reportFailure, reportReady } from "../report.ts";
import { Gateway } from "./gateway.ts";

/*
 * PGlite's defaults, but for `-F`: fsync stays on, for what it is worth (PGlite's files on disk do not pass it on today:
 * data survives kill -9 of every process, not the loss of power). `--single -O -j` is how PGlite runs Postgres inside
 * one thread; parallel workers and background processes do not exist there.
 */
const startParams = [
  ["--single", "-O", "-j"],
  ["search_path=public", "exit_on_error=false", "log_checkpoints=false", "io_method=sync"].flatMap((it) => [
    "-c",
    it,
  ]),
  [
    "max_worker_processes",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_parallel_maintenance_workers",
  ].flatMap((name) => ["-c", `${name}=0`]),
].flat();

const env = postgresEnv();

/** An earlier instance that was killed may need a moment to let go of the data. */
const lock = await acquireLock(join(env.dataDir, "postgres.lock"), 8000);
if (!lock) {
  await reportFailure("data_in_use", "another process still uses the database");
  process.exit(1);
}

const folder = join(env.dataDir, "postgres");
mkdirSync(folder, { recursive: true, mode: 0o700 });
const engine = await PGlite.create({
  dataDir: folder,
  extensions: { vector },
  startParams,
  relaxedDurability: false,
});
const gateway = new Gateway({
  engine,
  password: env.password,
  idleTransactionMs: 30_000,
  maxConnections: 200,
  onFailure: (error) => {
    process.stderr.write(
      `${JSON.stringify({ level: "fatal", msg: "the embedded Postgres broke", error: String(error) })}\n`,
    );
    process.exit(1);
  },
});

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) {
    return;
  }
  stopping = true;
  await gateway.close();
  await engine.close();
  process.exit(0);
}
process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());

try {
  await gateway.listen(env.port);
  reportReady();
} catch (error) {
  await reportFailure("port_taken", String(error));
  process.exit(1);
}
