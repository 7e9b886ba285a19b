import { isNotFound, isRefusal, send } from "./client.ts";
import { type Ask, note } from "./history.ts";
import { anyClient, type Lane } from "./lane.ts";

const terminal = new Set(["completed", "failed", "canceled", "expired"]);
const retryWaitMs = 2000;

/** The same request again, three at once: each must find the same task. */
export async function repeat(lane: Lane, old: Ask): Promise<void> {
  if (old.deletion !== undefined) return;
  lane.history.repeats++;
  await Promise.all([1, 2, 3].map(() => send(anyClient(lane), old)));
}

export async function cancel(lane: Lane, old: Ask): Promise<void> {
  const [id] = old.taskIds;
  if (id === undefined || old.deletion !== undefined) return;
  lane.history.cancels++;
  const task = await anyClient(lane)
    .tasks.cancel(id)
    .catch(() => undefined);
  see(old, task?.status);
}

export async function look(lane: Lane, old: Ask): Promise<void> {
  const [id] = old.taskIds;
  if (id === undefined || old.deletion !== undefined) return;
  const task = await anyClient(lane)
    .tasks.get(id)
    .catch(() => undefined);
  see(old, task?.status);
}

/** A new life for a task that failed, which is what becomes of an unreadable upload. */
export async function retry(lane: Lane, old: Ask): Promise<void> {
  const [id] = old.taskIds;
  if (id === undefined) return;
  const client = anyClient(lane);
  const task = await client.tasks
    .wait(id, { timeoutMs: retryWaitMs, signal: lane.signal })
    .catch(() => undefined);
  if (task?.status !== "failed") return see(old, task?.status);
  // Noted first: what is asked may happen, whatever the answer.
  old.retries++;
  lane.history.retries++;
  await client.tasks.retry(id).catch(() => undefined);
}

/** Deletes a finished task, or the file that it made. */
export async function remove(lane: Lane, old: Ask): Promise<void> {
  // Its key goes with the task: a request that is still on its way somewhere would make another one.
  if (old.outcomes.some((one) => one !== "accepted") || old.deletion !== undefined) return;
  const [taskId] = old.taskIds;
  const [fileId] = old.fileIds;
  if (taskId === undefined || old.kind === "unreadable") return;
  const client = anyClient(lane);
  const task = await client.tasks.get(taskId).catch(() => undefined);
  see(old, task?.status);
  if (task === undefined || !terminal.has(task.status)) return;
  old.deletion = "asked";
  lane.history.deletions++;
  try {
    await (fileId === undefined ? client.tasks.delete(taskId) : client.files.delete(fileId));
    old.deletion = "done";
  } catch (error) {
    if (isNotFound(error)) old.deletion = "done";
    else if (isRefusal(error)) old.trouble = `its deletion was refused: ${String(error)}`;
  }
}

function see(old: Ask, status: string | undefined): void {
  if (status !== undefined && terminal.has(status)) note(old.seen, status);
}
