import type { JobKind, JobResult } from "@genq/contract";
import {
  type Claim,
  type Completion,
  completeTask,
  completeTasks,
  type Database,
  groupCommit,
  inServiceTransaction,
} from "@genq/core/db";
import { ClaimLostError } from "./claim-lost.ts";
import type { Run } from "./handlers/handler.ts";
import { isPassing, untilReached } from "./in-claim.ts";

/** Longer results gain nothing from company, and would make a group a heavy statement. */
const groupedResultLength = 65_536;

/** Completes the tasks of runs whose one effect is their result: many in one transaction, each behind its own fence. */
export interface Completions {
  /** `write` is the run's own transaction, where it takes one. @throws ClaimLostError, and then nothing was written */
  complete(claim: Claim, result: JobResult<JobKind>, write: Run["write"]): Promise<void>;
}

export function createCompletions(database: Database, ending: AbortSignal): Completions {
  const completeInGroup = groupCommit(
    (group: Completion[]) => inServiceTransaction(database, (sql) => completeTasks(sql, group)),
    { most: 100, lanes: 1 },
  );
  const completeAlone = (claim: Claim, result: JobResult<JobKind>, write: Run["write"]) =>
    write(async (sql) => void (await completeTask(sql, claim, result)));
  return {
    complete: async (claim, result, write) => {
      const text = JSON.stringify(result);
      if (text.length > groupedResultLength) return completeAlone(claim, result, write);
      let held: boolean;
      try {
        held = await untilReached(ending, () => completeInGroup({ claim, result: text }));
      } catch (error) {
        if (isPassing(error)) throw error;
        // What is wrong with one fails the whole group: alone, each is told what is wrong with it.
        return completeAlone(claim, result, write);
      }
      if (!held) throw new ClaimLostError("The claim is no longer held.");
    },
  };
}
