/** What an inspection of the queue's server found. */
export interface QueueReport {
  /** What has to be set right before the queue can be relied on. */
  problems: string[];
  /** What an operator should know. */
  warnings: string[];
  /** Null where there is no limit, and on Postgres. */
  memory: { usedBytes: number; maxBytes: number } | null;
}

export const soundQueue: QueueReport = { problems: [], warnings: [], memory: null };

/** BullMQ starts on the first and asks for the second. */
const versions = { least: [5, 0], advised: [6, 2] } as const;
const nearlyFull = 0.9;

/**
 * Judges a Redis or Valkey by its `INFO`. `save` are its points of snapshots by `CONFIG GET save`, undefined where a
 * managed server does not tell.
 */
export function reportRedis(info: string, save: string | undefined): QueueReport {
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const at = line.indexOf(":");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
    }),
  );
  const problems: string[] = [];
  const warnings: string[] = [];

  const policy = fields.get("maxmemory_policy");
  if (policy === undefined || policy === "") {
    warnings.push("It does not tell its maxmemory-policy. Make sure that it is noeviction.");
  } else if (policy !== "noeviction") {
    problems.push(
      `Its maxmemory-policy is ${policy}: when its memory is full it would throw jobs away. Set maxmemory-policy noeviction (CONFIG SET maxmemory-policy noeviction, and in its configuration file or your provider's console).`,
    );
  }

  const version = fields.get("redis_version");
  if (version !== undefined && isOlder(version, versions.least)) {
    problems.push(`Its version is ${version}; the queue needs ${versions.least.join(".")} or later.`);
  } else if (version !== undefined && isOlder(version, versions.advised)) {
    warnings.push(
      `Its version is ${version}; ${versions.advised.join(".")} or later is advised; older ones bring no text of running generations.`,
    );
  }

  if (fields.get("aof_enabled") !== "1") {
    const rest =
      "No accepted task is lost by that, for the rows in Postgres are the truth and are rung again, but a restart of the queue delays what waits. Set appendonly yes.";
    if (save === "") warnings.push(`It keeps nothing on disk: neither AOF nor snapshots. ${rest}`);
    if (save === undefined)
      warnings.push(`It has no AOF, and does not tell whether it makes snapshots. ${rest}`);
  }

  const maxBytes = Number(fields.get("maxmemory") ?? 0);
  const usedBytes = Number(fields.get("used_memory") ?? 0);
  if (maxBytes > 0 && usedBytes >= nearlyFull * maxBytes) {
    const percent = Math.floor((usedBytes / maxBytes) * 100);
    warnings.push(
      `Its memory is ${percent} % full: at 100 % it refuses rings, and tasks wait longer. Raise maxmemory.`,
    );
  }
  return { problems, warnings, memory: maxBytes > 0 ? { usedBytes, maxBytes } : null };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
