import { readdir, readFile } from "node:fs/promises";
import postgres from "postgres";
import { openRedis, queueBackend } from "../../src/queue/connection.ts";

/** What the servers have spent so far, whoever asked for it. */
export interface ServerCosts {
  /** Null where its processes can't be seen. */
  postgresCpuMs: number | null;
  /** Null without a Redis. */
  redisCpuMs: number | null;
  walBytes: number;
}

export interface ServerWatch extends AsyncDisposable {
  costs(): Promise<ServerCosts>;
}

/** `postgresPidFile` holds the number of the server's main process, on this machine. */
export function watchServers(
  urls: { databaseUrl: string; queueUrl: string },
  postgresPidFile: string | undefined,
): ServerWatch {
  const sql = postgres(urls.databaseUrl, { max: 1, onnotice: () => undefined });
  const redis =
    queueBackend(urls.queueUrl) === "redis"
      ? openRedis({ url: urls.queueUrl, prefix: "" }, false)
      : undefined;
  return {
    costs: async () => {
      const [[wal], info, postgresCpuMs] = await Promise.all([
        sql<{ bytes: string }[]>`select pg_current_wal_insert_lsn() - '0/0' as bytes`,
        redis?.info("cpu"),
        postgresPidFile === undefined ? null : cpuMsOfFamily(postgresPidFile),
      ]);
      return {
        postgresCpuMs,
        redisCpuMs: info === undefined ? null : 1000 * (secondsIn(info, "user") + secondsIn(info, "sys")),
        walBytes: Number(wal?.bytes),
      };
    },
    [Symbol.asyncDispose]: async () => {
      redis?.disconnect();
      await sql.end({ timeout: 2 });
    },
  };
}

function secondsIn(info: string, kind: "user" | "sys"): number {
  return Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
}

/** Processor time of a process, its children, and those of them that have ended. Linux tells it in hundredths of a second. */
async function cpuMsOfFamily(pidFile: string): Promise<number | null> {
  const main = (await readFile(pidFile, "utf8").catch(() => "")).trim();
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  let ticks: number | null = null;
  stats.forEach((stat, index) => {
    // After the name, which may hold anything: state, parent, …, and as 12th to 15th user and system time, own and children's.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isMain = pids[index] === main;
    if (!isMain && fields[1] !== main) return;
    const own = fields.slice(11, isMain ? 15 : 13);
    ticks = own.reduce((sum, field) => sum + Number(field), ticks ?? 0);
  });
  return ticks === null ? null : ticks * 10;
}
