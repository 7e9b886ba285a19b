import {
  type JobKind,
  type SubmittedTask,
  submittedTaskSchema,
  type Task,
  type TaskStatus,
  taskPageSchema,
  taskSchema,
} from "@genq/contract";
import { eachItem, type Page } from "./pages.ts";
import { parseAnswer } from "./parse-answer.ts";
import type { Transport } from "./transport.ts";
import { type WaitOptions, waitForTask } from "./wait-for-task.ts";

export interface TaskFilter {
  kind?: JobKind;
  status?: TaskStatus;
  /** Rows per request, 1 to 100. */
  pageSize?: number;
}

interface CallOptions {
  signal?: AbortSignal;
}

export interface Tasks {
  get(id: string, options?: CallOptions): Promise<Task>;
  /** Resolves with the finished task, whether it completed, failed, was canceled or expired. */
  wait(id: string, options?: WaitOptions): Promise<Task>;
  /** The caller's tasks, newest first, fetched page by page. Their `result` is null: `get` has it. */
  list(filter?: TaskFilter, options?: CallOptions): AsyncGenerator<Task, void, void>;
  /** One page; `cursor` is the `next_cursor` of the page before. */
  page(filter?: TaskFilter & { cursor?: string }, options?: CallOptions): Promise<Page<Task>>;
  /** Cancels queued or running work; a finished task stays as it is. */
  cancel(id: string, options?: CallOptions): Promise<Task>;
  /** Starts a failed task anew. @throws GenqError task_not_retryable */
  retry(id: string, options?: CallOptions): Promise<SubmittedTask>;
  /** Deletes a finished task and its result. @throws GenqError task_not_finished */
  delete(id: string, options?: CallOptions): Promise<void>;
}

export function createTasks(transport: Transport): Tasks {
  const page: Tasks["page"] = async (filter = {}, options = {}) => {
    const { kind, status, pageSize: limit, cursor } = filter;
    const query = { kind, status, limit, cursor };
    return parseAnswer(
      await transport.send({ method: "GET", path: "/tasks", query, ...options }),
      taskPageSchema,
    );
  };
  return {
    page,
    list: (filter = {}, options) =>
      eachItem((cursor) => page({ ...filter, ...(cursor === undefined ? {} : { cursor }) }, options)),
    get: async (id, options) =>
      parseAnswer(await transport.send({ method: "GET", path: taskPath(id), ...options }), taskSchema),
    wait: (id, options) => waitForTask(transport, taskPath(id), options),
    cancel: async (id, options) =>
      parseAnswer(
        await transport.send({
          method: "POST",
          path: `${taskPath(id)}/cancel`,
          repeatable: true,
          ...options,
        }),
        taskSchema,
      ),
    retry: async (id, options) =>
      parseAnswer(
        await transport.send({
          method: "POST",
          path: `${taskPath(id)}/retry`,
          headers: { "idempotency-key": crypto.randomUUID() },
          repeatable: true,
          ...options,
        }),
        submittedTaskSchema,
      ),
    delete: async (id, options) => {
      await transport.send({ method: "DELETE", path: taskPath(id), ...options });
    },
  };
}

function taskPath(id: string): string {
  return `/task/${encodeURIComponent(id)}`;
}
