import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "@genq/contract";
import type { Storage } from "@genq/core/storage";

const anyFolder = "genq-ingest-";
/** Names this machine and process, so that another can tell whether the copy is still used. */
const ownHost = `${anyFolder}${hostname().replace(/[^\w.]/g, "_")}-`;
const staleMs = 24 * 3600 * 1000;

export interface LocalCopy extends AsyncDisposable {
  path: string;
}

/**
 * Streams a stored object to a file of its own, which goes with the copy's disposal.
 * @throws AppError storage_unavailable, also when fewer bytes came than the object has
 */
export async function downloadObject(
  storage: Storage,
  object: { key: string; sizeBytes: number },
  signal: AbortSignal,
): Promise<LocalCopy> {
  const folder = await mkdtemp(join(tmpdir(), `${ownHost}${process.pid}-`));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const path = join(folder, "object");
  try {
    const file = createWriteStream(path);
    await pipeline(await storage.download(object.key, signal), file, { signal });
    if (file.bytesWritten !== object.sizeBytes) throw broken(undefined);
    return { path, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    if (error instanceof AppError || signal.aborted) throw error;
    throw broken(error);
  }
}

function broken(cause: unknown): AppError {
  return new AppError("storage_unavailable", "The file did not come whole out of storage.", { cause });
}

/** Removes what killed workers left: of this machine at once, of others (a shared folder) after a day. */
export async function removeStaleCopies(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(anyFolder)) continue;
    const folder = join(tmpdir(), name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    const owner = name.startsWith(ownHost) ? Number.parseInt(name.slice(ownHost.length), 10) : undefined;
    const abandoned = owner !== undefined && !mayUse(owner, mtimeMs);
    if (abandoned || mtimeMs < Date.now() - staleMs) await rm(folder, { recursive: true, force: true });
  }
}

/** Whether the process may be the one that made the folder: it lives, and in our own case did so at that time. */
function mayUse(pid: number, madeAtMs: number): boolean {
  if (pid === process.pid) return madeAtMs >= performance.timeOrigin;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
