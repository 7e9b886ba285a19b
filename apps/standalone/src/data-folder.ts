import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { acquireLock, type Lock } from "./lock.ts";
import { StartError } from "./trouble.ts";

/** Raised when a new version can no longer read what an older one wrote, or the other way round. */
const format = 1;
const postgresVersion = "18";
const firstStartBytes = 150_000_000;
const workingBytes = 30_000_000;

const noticeSchema = z.object({ format: z.number() });

export interface DataFolder {
  readonly path: string;
  /** Nothing was kept here before. */
  readonly isNew: boolean;
  readonly lock: Lock;
}

/** Makes the folder when needed and takes it for this launcher alone. @throws {StartError} */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  try {
    makeFolder(join(path, "logs"));
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const lock = await acquireLock(join(path, "launcher.lock"), 300);
    if (!lock) {
      const owner = existsSync(join(path, "launcher.pid"))
        ? readFileSync(join(path, "launcher.pid"), "utf8")
        : "unknown";
      throw new StartError(
        `The data folder ${path} is in use by another genq (process ${owner}): end that one, or give this one its own with --data DIR.`,
      );
    }
    const isNew = !existsSync(join(path, "postgres", "PG_VERSION"));
    checkVersion(path);
    checkSpace(path, isNew);
    writeFileSync(join(path, "launcher.pid"), String(process.pid));
    return { path, isNew, lock };
  } catch (error) {
    throw error instanceof StartError ? error : (explain(path, error) ?? error);
  }
}

/** Node's own recursive mkdir never returns where the file system makes no folders, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function checkVersion(path: string): void {
  const file = join(path, "format.json");
  if (existsSync(file)) {
    const notice = noticeSchema.safeParse(parseJson(readFileSync(file, "utf8")));
    if (notice.data?.format !== format) {
      const found = notice.data ? `format ${notice.data.format}` : "an unreadable format.json";
      throw new StartError(
        `The data folder ${path} was written by another version of genq (${found}, this one uses format ${format}): use that version, or another folder with --data DIR.`,
      );
    }
  } else {
    writeFileSync(file, `${JSON.stringify({ format })}\n`);
  }
  const version = join(path, "postgres", "PG_VERSION");
  const found = existsSync(version) ? readFileSync(version, "utf8").trim() : postgresVersion;
  if (found !== postgresVersion) {
    throw new StartError(
      `The data folder ${path} holds a database of Postgres ${found} and this genq embeds ${postgresVersion}: use the version of genq that wrote it, or another folder with --data DIR.`,
    );
  }
}

/** A database needs room for its write-ahead log even when it is only read. @throws {StartError} */
export function checkSpace(path: string, isNew = false): void {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const needed = isNew ? firstStartBytes : workingBytes;
  if (free < needed) {
    throw new StartError(
      `The disk of ${path} is full (${megabytes(free)} MB free, ${megabytes(needed)} MB needed): make room, or use another disk with --data DIR.`,
    );
  }
}

/** The sentence for an error of the file system; undefined for any other. */
function explain(path: string, error: unknown): StartError | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return new StartError(
        `The data folder ${path} can't be read and written by this user: change its owner, or use another with --data DIR.`,
      );
    case "EROFS":
      return new StartError(
        `The data folder ${path} is on a read-only file system: use another with --data DIR.`,
      );
    case "ENOENT":
      // Node's recursive mkdir says ENOENT for a read-only disk, too.
      return new StartError(
        `The data folder ${path} can't be made (missing or read-only disk): use another with --data DIR.`,
      );
    case "ENOTDIR":
    case "EEXIST":
      return new StartError(
        `${path} is not a folder: move that file away, or use another folder with --data DIR.`,
      );
    case "ENOSPC":
    case "EDQUOT":
      return new StartError(`The disk of ${path} is full: make room, or use another disk with --data DIR.`);
    case "ERR_SQLITE_ERROR":
      return new StartError(
        `The data folder ${path} can't be locked (${String(error)}): use a folder on a local disk with --data DIR.`,
      );
    default:
      return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
