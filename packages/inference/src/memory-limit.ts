import { readdir, stat } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";

const gibibyte = 1024 ** 3;
/** Weights are held about twice while they are loaded; attention and the key-value cache come on top. */
const perModelByte = 4;

/**
 * How much resident memory a model's process may take unless told, in bytes: by the size of its files, and no more
 * than 80 % of what this machine or container has.
 */
export async function defaultMaxRss(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  // Another process's lock may be gone by now.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const modelBytes = sizes.reduce((sum, size) => sum + size, 0);
  return Math.min(2 * gibibyte + perModelByte * modelBytes, 0.8 * machineMemory());
}

/** How many processes of a model, of no more than so many bytes each, this machine or container has room for. */
export function processesThatFit(maxRssBytes = 2 * gibibyte): number {
  return Math.floor((0.8 * machineMemory()) / maxRssBytes);
}

function machineMemory(): number {
  // 0, or more than there is, where no limit is set.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}
