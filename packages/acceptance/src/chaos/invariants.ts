import { findLeaks } from "./check-access.ts";
import { findForeign, findLost, findRepeated } from "./check-history.ts";
import { byTask, findChanged, findStaleWrites } from "./check-log.ts";
import { findWrongVectors } from "./check-vectors.ts";
import { type ChaosUser, createUser } from "./client.ts";
import type { TruthDatabase } from "./database.ts";
import type { History } from "./history.ts";
import type { ChaosStack } from "./stack.ts";

export const invariantTexts = {
  I1: "every 202 reaches a terminal status",
  I2: "one terminal transition for each task, and none changes",
  I3: "vectors equal those of a run without faults",
  I4: "no byte of another user's",
  I5: "no write by a stale attempt",
  I7: "a request that is asked again makes one task",
} as const;
export type InvariantName = keyof typeof invariantTexts;

export interface Verdict {
  /** What broke each invariant. */
  broken: Record<InvariantName, string[]>;
  statuses: Record<string, number>;
  /** How many tasks failed with which problem. */
  problems: Record<string, number>;
  /** Attempts that another one had to take over from. */
  takenOver: number;
  reports: number;
  files: number;
  texts: number;
}

/** Holds the clients' history, the rows, the log of transitions and the workers' logs against each other. */
export async function checkInvariants(
  stack: ChaosStack,
  truth: TruthDatabase,
  users: ChaosUser[],
  history: History,
): Promise<Verdict> {
  const { asks } = history;
  // Read before the checks make tasks of their own.
  const rows = await truth.tasks();
  const files = await truth.files();
  const transitions = await truth.transitions();
  const tasks = new Map(rows.map((row) => [row.id, row]));
  const log = byTask(transitions);
  const stale = findStaleWrites(log, await stack.readWorkerLog());
  const userIds = users.map(({ user }) => user.id);
  const leaks = [...findForeign(rows, userIds), ...(await findLeaks(users, asks))];
  const vectors = await findWrongVectors(truth, await createUser(stack, users.length), asks, tasks);
  return {
    broken: {
      I1: findLost(asks, tasks),
      I2: findChanged(log, tasks, asks),
      I3: vectors.broken,
      I4: leaks,
      I5: stale.broken,
      I7: findRepeated(asks, rows, files),
    },
    statuses: countBy(rows.map(({ status }) => status)),
    problems: countBy(rows.flatMap(({ problem_code }) => problem_code ?? [])),
    takenOver: transitions.filter(
      (step) => step.from_status === "processing" && step.to_status === "processing",
    ).length,
    reports: stale.reports,
    files: vectors.files,
    texts: vectors.texts,
  };
}

function countBy(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
