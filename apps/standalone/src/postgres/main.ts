import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { postgresEnv } from "../env.ts";
import { acquireLock } from "../lock.ts";
import { reportFailure, reportReady } from "../report.ts";
import { databaseFolder, openEngine } from "./engine.ts";
import { Gateway } from "./gateway.ts";

const env = postgresEnv();

/** An earlier instance that was killed may need a moment to let go of the data. */
const lock = await acquireLock(join(env.dataDir, "postgres.lock"), 8000);
if (!lock) {
  await reportFailure("data_in_use", "another process still uses the database");
  process.exit(1);
}

const folder = databaseFolder(env.dataDir);
if (!existsSync(folder)) {
  // In a process of its own: the memory that making a database takes (some 250 MB) goes back to the system, and code
  // that runs once is not worth optimizing.
  const entry = fileURLToPath(new URL("./make-database-main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--liftoff-only", entry], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  if (code !== 0) {
    await reportFailure("database_not_made", "the database could not be made; its log says why");
    process.exit(1);
  }
}
const engine = await openEngine(folder);
const gateway = new Gateway({
  engine,
  password: env.password,
  // A client that is only busy answers within these, also on a machine that is overloaded.
  silence: { idleMs: 2000, againMs: 200 },
  maxConnections: 200,
  signInMs: 5000,
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
