import { claimNext } from "../src/db/claim-next.ts";
import type { Database } from "../src/db/database.ts";
import type { TaskRow } from "../src/db/rows.ts";

/** Claims a task ahead of its turn, as a worker claims the next. Undefined when it does not wait or its time has not come. */
export async function claimTask(
  database: Database,
  taskId: string,
  leaseMs = 10_000,
): Promise<TaskRow | undefined> {
  const [waiting] = await database.sql<{ queue: Parameters<typeof claimNext>[1] }[]>`
    update genq.tasks set turn = (select min(turn) - 1 from genq.tasks)
    where id = ${taskId} and status = 'queued' and run_after <= now() returning queue`;
  if (waiting === undefined) return undefined;
  const { tasks } = await claimNext(database, waiting.queue, { limit: 1, leaseMs, runningPerUser: 10_000 });
  return tasks.find((task) => task.id === taskId);
}
