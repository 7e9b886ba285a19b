import {
  countWaiting,
  type Database,
  groupCommit,
  inServiceTransaction,
  insertTasks,
  isCloseToLimit,
  type Submission,
  selectQueueStates,
  submitFor,
  takeFreeKeys,
  usersOf,
} from "../db/index.ts";

import type { SubmittedRow, TaskServices } from "./task-services.ts";

interface Item {
  submission: Submission;
  maxQueuedTasks: number;
}
type Submit = (item: Item) => Promise<SubmittedRow | undefined>;

const submits = new WeakMap<Database, Submit>();

/**
 * Submits a task in one transaction with those of other requests of this process. Undefined when it takes a transaction
 * of its own to tell what becomes of it: its key was used before, or its user is close to the limit of waiting tasks.
 */
export function submitInGroup(
  { database, maxQueuedTasks }: TaskServices,
  submission: Submission,
): Promise<SubmittedRow | undefined> {
  const submit =
    submits.get(database) ??
    groupCommit((items: Item[]) => submitGroup(database, items), { most: 100, lanes: 1 });
  submits.set(database, submit);
  return submit({ submission, maxQueuedTasks });
}

function submitGroup(database: Database, items: Item[]): Promise<(SubmittedRow | undefined)[]> {
  const group = items.map(({ submission }) => submission);
  const limit = Math.max(...items.map(({ maxQueuedTasks }) => maxQueuedTasks));
  return inServiceTransaction(database, async (sql) => {
    const [, waiting] = await Promise.all([submitFor(sql, group), countWaiting(sql, usersOf(group), limit)]);
    const accepted = await takeFreeKeys(sql, withoutRepeatedKeys(farFromLimit(items, waiting)));
    if (accepted.length === 0) return group.map(() => undefined);
    // Sent together, and run in this order.
    const [tasks, states] = await Promise.all([insertTasks(sql, accepted), selectQueueStates(sql, accepted)]);
    return group.map(({ id }) => {
      const task = tasks.get(id);
      return task && { task, queue: states.get(id) ?? { ahead: 0, etaSeconds: null }, replayed: false };
    });
  });
}

function withoutRepeatedKeys(group: Submission[]): Submission[] {
  const seen = new Set<string>();
  return group.filter(({ userId, idempotency }) => {
    if (idempotency === undefined) return true;
    const key = `${userId} ${idempotency.key}`;
    return !seen.has(key) && seen.add(key);
  });
}

function farFromLimit(items: Item[], waiting: Map<string, number>): Submission[] {
  const counts = new Map(waiting);
  return items.flatMap(({ submission, maxQueuedTasks }) => {
    const count = counts.get(submission.userId) ?? 0;
    if (isCloseToLimit(count, maxQueuedTasks)) return [];
    counts.set(submission.userId, count + 1);
    return [submission];
  });
}
