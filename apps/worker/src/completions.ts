import type { JobKind, JobResult, QueueName } from "@genq/contract";
import {
  type Claim,
  type Completion,
  completeAndClaim,
  completeTask,
  type Database,
  groupCommit,
} from "@genq/core/db";
import { ClaimLostError } from "./claim-lost.ts";
import type { Claimer } from "./claimer.ts";
import type { Run } from "./handlers/handler.ts";
import { isPassing, untilReached } from "./in-claim.ts";

/** Longer results gain nothing from company, and would make a group a heavy statement. */
const groupedResultLength = 65_536;

/**
 * Completes the tasks of runs whose one effect is their result: many in one transaction, each behind its own fence, which
 * also claims the next tasks for the slots that they leave.
 */
export interface Completions {
  /**
   * `write` is the run's own transaction, where it takes one. Resolves whether the queue was seen to be drained.
   * @throws ClaimLostError, and then nothing was written
   */
  complete(task: CompletedTask, result: JobResult<JobKind>, write: Run["write"]): Promise<boolean>;
}

interface CompletedTask {
  claim: Claim;
  queue: QueueName;
}

type Item = Completion & CompletedTask;

export function createCompletions(options: {
  database: Database;
  claimer: Pick<Claimer, "terms" | "hand">;
  ending: AbortSignal;
  isStopping: () => boolean;
}): Completions {
  const { database, claimer, ending, isStopping } = options;
  const completeInGroup = groupCommit(
    async (group: Item[]) => {
      const wanted = isStopping() ? new Map<QueueName, number>() : slotsOf(group);
      const { held, claimed } = await completeAndClaim(database, group, wanted, claimer.terms);
      const drained = new Set(claimed.flatMap((along) => (along.drained ? [along.queue] : [])));
      for (const along of claimed) claimer.hand(along);
      return group.map(({ queue }, index) => ({ held: held[index] === true, drained: drained.has(queue) }));
    },
    { most: 100, lanes: 1 },
  );
  const completeAlone = async (claim: Claim, result: JobResult<JobKind>, write: Run["write"]) => {
    await write(async (sql) => void (await completeTask(sql, claim, result)));
    return false;
  };
  return {
    complete: async ({ claim, queue }, result, write) => {
      const text = JSON.stringify(result);
      if (text.length > groupedResultLength) return completeAlone(claim, result, write);
      let outcome: { held: boolean; drained: boolean };
      try {
        outcome = await untilReached(ending, () => completeInGroup({ claim, queue, result: text }));
      } catch (error) {
        if (isPassing(error)) throw error;
        // What is wrong with one fails the whole group: alone, each is told what is wrong with it.
        return completeAlone(claim, result, write);
      }
      if (!outcome.held) throw new ClaimLostError("The claim is no longer held.");
      return outcome.drained;
    },
  };
}

function slotsOf(group: readonly Item[]): Map<QueueName, number> {
  const slots = new Map<QueueName, number>();
  for (const { queue } of group) slots.set(queue, (slots.get(queue) ?? 0) + 1);
  return slots;
}
