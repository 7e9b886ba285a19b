import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "@genq/contract";
import type { Storage } from "@genq/core/storage";

const folderPrefix = "genq-ingest-";
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
  const folder = await mkdtemp(join(tmpdir(), folderPrefix));
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

/** Removes what workers left that were killed a day ago or earlier. */
export async function removeStaleCopies(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = join(tmpdir(), name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < Date.now() - staleMs) await rm(folder, { recursive: true, force: true });
  }
}
