import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

export interface Lock {
  release(): void;
}

/** A handle that nobody refers to is closed by the garbage collector, and its lock goes with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes a lock that the operating system lets go of when the process ends, however it ends: SQLite's lock on a file.
 * Undefined when somebody else still has it after `waitMs`.
 */
export async function acquireLock(path: string, waitMs: number): Promise<Lock | undefined> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const database = new DatabaseSync(path);
    try {
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      held.add(database);
      return {
        release: () => {
          held.delete(database);
          database.close();
        },
      };
    } catch (error) {
      database.close();
      if (!isBusy(error)) {
        throw error;
      }
    }
    if (Date.now() >= deadline) {
      return undefined;
    }
    await sleep(100);
  }
}

function isBusy(error: unknown): boolean {
  // 5 is SQLITE_BUSY.
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
