export { cancelTask, deleteTask, getTask, listTasks, retryTask } from "./manage-tasks.ts";
export { presentSubmitted, presentTask } from "./present-task.ts";
export { readServiceState, type ServiceState } from "./service-state.ts";
export { type Idempotency, submitTask } from "./submit-task.ts";
export type { SubmittedRow, TaskServices } from "./task-services.ts";
export { createTaskWatcher, type TaskWatcher } from "./task-watcher.ts";
