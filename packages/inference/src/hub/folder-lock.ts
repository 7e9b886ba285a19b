import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const touchEveryMs = 2000;
/** A lock that was not touched for so long belongs to a process that died. */
const staleAfterMs = 15_000;

/**
 * Does something while no other process does it in this folder; also across machines that share the folder.
 * @param lock path of the lock, inside an existing folder
 */
export async function withFolderLock<T>(
  lock: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  while (!(await take(lock))) await setTimeout(500, undefined, { signal });
  const touch = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => {});
  }, touchEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(lock, { recursive: true, force: true });
  }
}

/** Makes the lock, a folder: making one is atomic everywhere. Removes a stale one for the next try. */
async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const found = await stat(lock).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > staleAfterMs) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
