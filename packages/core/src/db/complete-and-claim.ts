import type { QueueName } from "@genq/contract";
import { type ClaimOptions, claimAlong, tooManyRunning } from "./claim-next.ts";
import { type Completion, completeTasks } from "./claims.ts";
import { type Database, inServiceTransaction } from "./database.ts";
import { errorCode } from "./database-errors.ts";
import type { TaskRow } from "./rows.ts";

/** What was claimed along with completions. `drained`: nothing more of the queue was to be claimed. */
export interface ClaimedAlong {
  queue: QueueName;
  tasks: TaskRow[];
  unreadable: string[];
  drained: boolean;
}

/**
 * Completes tasks as `completeTasks` does, and claims the next ones in the same transaction: as many of each queue as
 * `wanted` says, or fewer. None where others claim for the same users at the same time: then completing is all it does.
 */
export async function completeAndClaim(
  database: Database,
  completions: Completion[],
  wanted: ReadonlyMap<QueueName, number>,
  options: Pick<ClaimOptions, "leaseMs" | "runningPerUser">,
): Promise<{ held: boolean[]; claimed: ClaimedAlong[] }> {
  const work = (queues: [QueueName, number][]) =>
    inServiceTransaction(database, async (sql) => {
      // Sent together, and run in this order.
      const [held, ...claimed] = await Promise.all([
        completeTasks(sql, completions),
        ...queues.map(async ([queue, limit]) => ({
          queue,
          ...(await claimAlong(sql, queue, { ...options, limit })),
        })),
      ]);
      return { held, claimed };
    });
  try {
    return await work([...wanted]);
  } catch (error) {
    if (errorCode(error) !== tooManyRunning) throw error;
    return work([]);
  }
}
