import { countTakeOvers, findBrokenSteps, findDeniedReports, findStaleSteps } from "./check-steps.ts";
import type { TaskRecord } from "./database.ts";
import type { Findings } from "./findings.ts";
import { type Ask, type History, isUnknown, markersIn, ownerOf } from "./history.ts";

const terminal = new Set(["completed", "failed", "canceled", "expired"]);
/** `poisoned`: kills and pauses hit one task three times. */
const expectedProblems = new Set(["poisoned"]);
const ownProblem = "document_no_text";

/** What comes of looking at the tasks one by one. */
export interface TaskChecks {
  see(task: TaskRecord): void;
  /** Once all were seen: what is missing among them. */
  end(): void;
  readonly statuses: Record<string, number>;
  /** How many tasks failed with which problem. */
  readonly problems: Record<string, number>;
  readonly takeOvers: number;
}

/** I1, I2, I4, I5 and I7 of each task: the clients' history, its row, its log and what workers reported of it. */
export function createTaskChecks(known: {
  history: Pick<History, "asks">;
  userIds: string[];
  reports: Map<string, string[]>;
  findings: Findings;
}): TaskChecks {
  const { findings, userIds, reports } = known;
  const { asks } = known.history;
  const byTask = new Map(asks.flatMap((ask) => ask.taskIds.map((id) => [id, ask] as const)));
  const byMarker = new Map(asks.map((ask) => [ask.marker, ask]));
  const made = new Map<Ask, number>();
  const there = new Set<Ask>();
  const statuses: Record<string, number> = {};
  const problems: Record<string, number> = {};
  let takeOvers = 0;

  return {
    statuses,
    problems,
    get takeOvers() {
      return takeOvers;
    },
    see: (task) => {
      const [marker = ""] = markersIn(`${task.file_name ?? ""} ${task.payload}`);
      const ask = byTask.get(task.id) ?? byMarker.get(marker);
      const add = (name: Parameters<Findings["add"]>[0], text: string) =>
        findings.add(name, `${task.kind} ${task.id}: ${text}`, { ask, task });
      count(statuses, task.status);
      if (task.problem_code !== null) count(problems, task.problem_code);
      takeOvers += countTakeOvers(task.steps);

      if (ask === undefined) add("I7", "nobody asked for it");
      else {
        made.set(ask, (made.get(ask) ?? 0) + 1);
        if (ask.taskIds.includes(task.id)) there.add(ask);
        if (userIds[ask.user] !== task.user_id)
          add("I4", `it is user ${task.user_id}'s, who did not ask for it`);
        for (const text of findChangedSights(ask, task)) add("I2", text);
        if (ask.deletion === "done" && !isFile(ask)) add("I2", "it was deleted and is there");
      }
      if (!terminal.has(task.status)) add("I1", `it is still ${task.status}`);
      for (const text of findBrokenSteps(task.steps)) add("I2", text);
      if (task.steps.at(-1)?.to !== task.status)
        add("I2", `it is ${task.status}, and its log says otherwise`);
      for (const text of findStaleSteps(task.steps)) add("I5", text);
      for (const text of findDeniedReports(task.steps, reports.get(task.id) ?? [])) add("I5", text);
      const owner = userIds.indexOf(task.user_id);
      const foreign = markersIn(`${task.payload} ${task.result ?? ""}`).find((one) => ownerOf(one) !== owner);
      if (foreign !== undefined) add("I4", `it is user ${owner}'s and holds ${foreign}`);
      const code = task.problem_code ?? "";
      const own = ask?.kind === "unreadable" ? code === ownProblem : false;
      if (task.status === "failed" && !own && !expectedProblems.has(code)) add("failures", code);
      if (task.status === "expired") add("failures", "expired");
    },
    end: () => {
      for (const ask of asks) {
        const add = (name: Parameters<Findings["add"]>[0], text: string) =>
          findings.add(name, `${ask.kind} of user ${ask.user} with key ${ask.key}: ${text}`, { ask });
        const rows = made.get(ask) ?? 0;
        const mayBeGone = ask.deletion !== undefined && !isFile(ask);
        if (ask.taskIds.length > 0 && !there.has(ask) && !mayBeGone)
          add("I1", "it was accepted and is not there");
        if (isUnknown(ask)) add("I7", `it is unknown, however often it was asked: ${ask.trouble}`);
        if (ask.taskIds.length > 1) add("I7", `its answers name ${ask.taskIds.length} tasks`);
        if (ask.fileIds.length > 1) add("I7", `its answers name ${ask.fileIds.length} files`);
        if (rows > 1) add("I7", `it made ${rows} tasks`);
        if (ask.refusal !== undefined && rows > 0)
          add("I7", `it made a task and was refused: ${ask.refusal}`);
        else if (ask.refusal !== undefined) add("failures", `it was refused: ${ask.refusal}`);
      }
    },
  };
}

/** What a client saw as final is final; a failed task may have been given another life at its request. */
function findChangedSights(ask: Ask, task: TaskRecord): string[] {
  const broken = ask.seen
    .filter((seen) => seen !== task.status && !(seen === "failed" && ask.retries > 0))
    .map((seen) => `it was seen as ${seen} and is ${task.status}`);
  const lives = task.steps.at(-1)?.life ?? 1;
  if (lives > 1 + ask.retries) broken.push(`it has ${lives} lives for ${ask.retries} retries`);
  return broken;
}

/** Deleting an upload deletes its file, and leaves its task. */
function isFile({ kind }: Ask): boolean {
  return kind === "upload" || kind === "unreadable";
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
