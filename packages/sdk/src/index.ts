export {
  type Citation,
  type Config,
  type CreatedWebhook,
  type EmbedInput,
  type EmbedResult,
  type FieldError,
  type File as GenqFile,
  type FileContent,
  type FileStatus,
  fileStatuses,
  type GenerateInput,
  type GenerateResult,
  type Health,
  isTerminal,
  type JobKind,
  type JobResult,
  type MediaType,
  type ModelStatus,
  mediaTypes,
  type Passage,
  type Problem,
  type ProblemCode,
  type Progress,
  problemSchema,
  type RotatedSecret,
  type SearchInput,
  type SearchResult,
  type SubmittedTask,
  searchableFileStatuses,
  type Task,
  type TaskOf,
  type TaskStatus,
  type TaskWebhook,
  taskStatuses,
  terminalTaskStatuses,
  type UpdateWebhook,
  type UploadResult,
  type Webhook,
  type WebhookDelivery,
  type WebhookEvent,
  type WebhookEventType,
  type WebhookInput,
  webhookEventSchema,
  webhookEventTypes,
} from "@genq/contract";
export { createGenqClient, type GenqClient } from "./create-genq-client.ts";
export type { FileFilter, Files } from "./files.ts";
export { GenqError, type GenqErrorCode } from "./genq-error.ts";
export type { Page } from "./pages.ts";
export type { TaskFilter, Tasks } from "./tasks.ts";
export type { TransportOptions as GenqClientOptions } from "./transport.ts";
export type { UploadOptions, UploadSource } from "./upload.ts";
export type { WaitOptions } from "./wait-for-task.ts";
export type { Webhooks } from "./webhooks.ts";
export type { RunOptions, SubmitOptions, Work } from "./work.ts";
