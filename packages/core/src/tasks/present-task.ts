import { type SubmittedTask, type Task, taskSchema } from "@genq/contract";
import type { ListedTaskRow, TaskRow } from "../db/index.ts";
import type { SubmittedRow } from "./task-services.ts";

function urls(id: string) {
  return { self: `/task/${id}`, cancel: `/task/${id}/cancel`, events: `/task/${id}/events` };
}

/** The task as its owner sees it; a listed one has no result. */
export function presentTask(row: TaskRow | ListedTaskRow): Task {
  return taskSchema.parse({
    id: row.id,
    task_id: row.id,
    kind: row.kind,
    status: row.status,
    attempt: row.attempt,
    progress: row.progress,
    problem: row.problem,
    file_id: row.fileId,
    result: "result" in row ? row.result : null,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    finished_at: row.finishedAt?.toISOString() ?? null,
    updated_at: row.updatedAt.toISOString(),
    expires_at: row.expiresAt.toISOString(),
    urls: urls(row.id),
  });
}

/** The body of a 202. */
export function presentSubmitted({ task, queue }: Omit<SubmittedRow, "replayed">): SubmittedTask {
  return {
    id: task.id,
    task_id: task.id,
    kind: task.kind,
    status: task.status,
    created_at: task.createdAt.toISOString(),
    expires_at: task.expiresAt.toISOString(),
    queue: { position: queue.ahead, eta_s: queue.etaSeconds },
    urls: urls(task.id),
  };
}
