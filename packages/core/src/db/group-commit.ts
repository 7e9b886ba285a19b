import { AppError } from "@genq/contract";

interface Waiter<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Commits in one go what came in while the last commit was under way. Who comes alone does not wait. `commit` gives a
 * result for each item, in order; when it throws, each of its items has failed. While the database is away those who wait
 * fail with the group: they would wait as long again.
 */
export function groupCommit<Item, Result>(
  commit: (items: Item[]) => Promise<Result[]>,
  options: { most: number; lanes: number },
): (item: Item) => Promise<Result> {
  const waiting: Waiter<Item, Result>[] = [];
  let running = 0;

  const run = async () => {
    // A turn of the event loop later, so that those who ask in the same moment, or in answer to the last group, are in.
    await new Promise((resolve) => setImmediate(resolve));
    const group = waiting.splice(0, options.most);
    try {
      if (group.length === 0) return;
      const results = await commit(group.map(({ item }) => item));
      if (results.length !== group.length) throw new Error("A group's commit must tell of each item.");
      group.forEach(({ resolve }, index) => {
        // The lengths are the same.
        resolve(results[index] as Result);
      });
    } catch (error) {
      const away = error instanceof AppError && error.code === "database_unavailable";
      for (const { reject } of away ? [...group, ...waiting.splice(0)] : group) reject(error);
    } finally {
      running--;
      next();
    }
  };
  const next = () => {
    if (running >= options.lanes || waiting.length === 0) return;
    running++;
    void run();
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      next();
    });
}
