export { cancelTask, deleteTask, getTask, listTasks, retryTask } from "./manage-tasks.ts";
export { presentSubmitted, presentTask } from "./present-task.ts";
export { readServiceState, type ServiceState } from "./service-state.ts";
export { type Idempotency, type SubmittedRow, submitTask, type TaskServices } from "./submit-task.ts";
export { createTaskWatcher, type TaskWatcher } from "./task-watcher.ts";
