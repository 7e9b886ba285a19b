import type { FileRecord, TaskRecord } from "./database.ts";
import type { Ask } from "./history.ts";

const terminal = new Set(["completed", "failed", "canceled", "expired"]);

/** I1: every 202 reaches a terminal status. */
export function findLost(asks: Ask[], tasks: Map<string, TaskRecord>): string[] {
  return asks.flatMap((ask) =>
    [...ask.taskIds].flatMap((id) => {
      const status = tasks.get(id)?.status;
      if (status === undefined) return [`${ask.kind} ${id} was accepted and is not there`];
      return terminal.has(status) ? [] : [`${ask.kind} ${id} was accepted and is still ${status}`];
    }),
  );
}

/** I7: a request makes one task, however often it was asked; a refused one makes none. */
export function findRepeated(asks: Ask[], tasks: TaskRecord[], files: FileRecord[]): string[] {
  const rows = new Map<string, string[]>();
  const count = (marker: string | undefined, id: string) => {
    if (marker !== undefined) rows.set(marker, [...(rows.get(marker) ?? []), id]);
  };
  const markerOfFile = new Map(files.map((file) => [file.id, file.name.replace(/\.txt$/, "")]));
  for (const task of tasks) {
    count(task.file_id === null ? markersIn(task.payload)[0] : markerOfFile.get(task.file_id), task.id);
  }
  return asks.flatMap((ask) => {
    const made = rows.get(ask.marker)?.length ?? 0;
    const last = ask.outcomes.at(-1);
    const trouble: string[] = [];
    if (ask.taskIds.size > 1) trouble.push(`its answers name ${ask.taskIds.size} tasks`);
    if (ask.fileIds.size > 1) trouble.push(`its answers name ${ask.fileIds.size} files`);
    if (made > 1) trouble.push(`it made ${made} tasks`);
    if (made === 0 && ask.taskIds.size > 0) trouble.push("it was accepted and made no task");
    if (last === "unknown") trouble.push(`it is unknown, however often it was asked: ${ask.trouble}`);
    if (ask.refusal !== undefined && made > 0) trouble.push(`it made a task and was refused: ${ask.refusal}`);
    return trouble.map((text) => `${ask.kind} with key ${ask.key}: ${text}`);
  });
}

/** I4, in the database: what is a user's holds no other user's marker. */
export function findForeign(tasks: TaskRecord[], userIds: string[]): string[] {
  return tasks.flatMap((task) => {
    const owner = userIds.indexOf(task.user_id);
    const foreign = markersIn(`${task.payload} ${task.result ?? ""}`).filter(
      (marker) => ownerOf(marker) !== owner,
    );
    return owner < 0 || foreign.length === 0 ? [] : [`task ${task.id} of user ${owner} holds ${foreign[0]}`];
  });
}

export function markersIn(text: string): string[] {
  return text.match(/owner\d+x[0-9a-f]{32}/g) ?? [];
}

export function ownerOf(marker: string): number {
  return Number(/^owner(\d+)x/.exec(marker)?.[1]);
}
