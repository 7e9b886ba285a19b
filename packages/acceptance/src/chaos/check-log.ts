import type { TaskRecord, Transition } from "./database.ts";
import type { Ask } from "./history.ts";

const terminal = new Set(["completed", "failed", "canceled", "expired"]);

/** Each task's transitions, in order. */
export function byTask(transitions: Transition[]): Map<string, Transition[]> {
  const grouped = new Map<string, Transition[]>();
  for (const one of transitions) {
    const known = grouped.get(one.task_id);
    if (known === undefined) grouped.set(one.task_id, [one]);
    else known.push(one);
  }
  return grouped;
}

/** I2: one terminal transition in each life of a task, nothing after it, and what a client saw stays so. */
export function findChanged(
  log: Map<string, Transition[]>,
  tasks: Map<string, TaskRecord>,
  asks: Ask[],
): string[] {
  const broken: string[] = [];
  for (const [id, steps] of log) {
    let before: Transition | undefined;
    for (const step of steps) {
      const nextLife = before?.to_status === "failed" && step.life === before.life + 1;
      if (step.from_status !== (before?.to_status ?? null))
        broken.push(`${id} went from ${before?.to_status} as if from ${step.from_status}`);
      if (before !== undefined && terminal.has(before.to_status) && !nextLife)
        broken.push(`${id} was ${before.to_status} and became ${step.to_status}`);
      if (before !== undefined && step.attempt < before.attempt)
        broken.push(`${id} went back to attempt ${step.attempt}`);
      before = step;
    }
    if (before?.to_status !== tasks.get(id)?.status) broken.push(`${id} is not what its log says`);
  }
  for (const ask of asks) {
    const [id = ""] = ask.taskIds;
    for (const seen of ask.seenStatuses) {
      const now = tasks.get(id)?.status;
      if (seen !== now) broken.push(`${id} was seen as ${seen} and is ${now}`);
    }
  }
  return broken;
}

/** What a worker says that it reported, and the transition that must have come of it. */
const reported: Record<string, string> = {
  completed: "completed",
  failed: "failed",
  retried: "queued",
  given_back: "queued",
};

/**
 * I5: no write by a stale attempt. The log of transitions holds the row's own attempt numbers; the workers' logs hold
 * the number that each writer had. Each report that a worker believes to have made must be the transition of its very
 * attempt.
 */
export function findStaleWrites(
  log: Map<string, Transition[]>,
  workerLog: string,
): { broken: string[]; reports: number } {
  const broken: string[] = [];
  let reports = 0;
  const seen = new Set<string>();
  for (const line of workerLog.split("\n")) {
    const run = parseRun(line);
    const status = run && reported[run.status];
    if (run === undefined || status === undefined) continue;
    reports++;
    const said = `attempt ${run.attempt} of ${run.task_id} said ${run.status}`;
    if (seen.has(said)) broken.push(`${said} twice`);
    seen.add(said);
    const steps = log.get(run.task_id) ?? [];
    const matching = steps.some(
      (step) =>
        step.from_status === "processing" && step.to_status === status && step.attempt === run.attempt,
    );
    if (!matching) broken.push(`${said}, and the log of transitions does not`);
  }
  for (const [id, steps] of log) {
    const highest = Math.max(...steps.map((step) => step.attempt));
    for (const step of steps) {
      if (step.to_status === "completed" && step.attempt !== highest)
        broken.push(`${id} was completed by attempt ${step.attempt} of ${highest}`);
    }
  }
  return { broken, reports };
}

function parseRun(line: string): { task_id: string; attempt: number; status: string } | undefined {
  if (!line.includes('"msg":"task run"')) return undefined;
  try {
    const { task_id, attempt, status } = JSON.parse(line) as Record<string, unknown>;
    if (typeof task_id !== "string" || typeof attempt !== "number" || typeof status !== "string")
      return undefined;
    return { task_id, attempt, status };
  } catch {
    // The last line of a process that was killed.
    return undefined;
  }
}
