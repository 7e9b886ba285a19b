import {
  type File,
  fileStatuses,
  type JobKind,
  jobCatalog,
  jobKinds,
  mediaTypes,
  type Problem,
  type Progress,
  problemSchema,
  progressSchema,
  type QueueName,
  queueNames,
  taskStatuses,
} from "@genq/contract";
import { z } from "zod";

const date = z.date();

const taskColumns = z.object({
  id: z.string(),
  user_id: z.string(),
  kind: z.enum(jobKinds),
  queue: z.enum(queueNames),
  status: z.enum(taskStatuses),
  problem: problemSchema.nullable(),
  progress: progressSchema.nullable(),
  file_id: z.string().nullable(),
  attempt: z.int(),
  life: z.int(),
  life_attempts: z.int(),
  unreported_attempts: z.int(),
  created_at: date,
  updated_at: date,
  started_at: date.nullable(),
  finished_at: date.nullable(),
  expires_at: date,
});

function toListedTask(row: z.output<typeof taskColumns>): ListedTaskRow {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    queue: row.queue,
    status: row.status,
    problem: row.problem,
    progress: row.progress,
    fileId: row.file_id,
    attempt: row.attempt,
    life: row.life,
    lifeAttempts: row.life_attempts,
    unreportedAttempts: row.unreported_attempts,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    expiresAt: row.expires_at,
  };
}

export const listedTaskRowSchema = taskColumns.transform(toListedTask);

/** A row of genq.tasks, parsed: what is in the database is an edge too. `payload` and `result` fit the kind. */
export const taskRowSchema = taskColumns
  .extend({ payload: z.unknown(), result: z.unknown() })
  .transform((row) => ({
    ...toListedTask(row),
    payload: jobCatalog[row.kind].payload.parse(row.payload),
    result: row.result === null ? null : jobCatalog[row.kind].result.parse(row.result),
  }));

/** A task as a list holds it: without what was asked for and what came of it, which may be a megabyte each. */
export interface ListedTaskRow {
  id: string;
  userId: string;
  kind: JobKind;
  queue: QueueName;
  status: (typeof taskStatuses)[number];
  problem: Problem | null;
  progress: Progress | null;
  fileId: string | null;
  /** The fencing token: the number of the latest claim, 0 before the first. */
  attempt: number;
  /** 1, and one more for each retry by hand. */
  life: number;
  /** Claims in this life. */
  lifeAttempts: number;
  /** Claims in this life that ended without a word. */
  unreportedAttempts: number;
  createdAt: Date;
  updatedAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  expiresAt: Date;
}

/** A task as the server sees it. */
export interface TaskRow extends ListedTaskRow {
  payload: z.output<(typeof jobCatalog)[JobKind]["payload"]>;
  result: z.output<(typeof jobCatalog)[JobKind]["result"]> | null;
}

export const fileRowSchema = z
  .object({
    id: z.string(),
    user_id: z.string(),
    chat_id: z.string().nullable(),
    name: z.string(),
    media_type: z.enum(mediaTypes),
    size_bytes: z.coerce.number(),
    sha256: z.string(),
    storage_key: z.string(),
    status: z.enum(fileStatuses),
    pages_done: z.int(),
    pages_total: z.int().nullable(),
    failed_pages: z.array(z.int()),
    chunks_done: z.int(),
    chunks_total: z.int().nullable(),
    embedding_model: z.string().nullable(),
    problem: problemSchema.nullable(),
    task_id: z.string().nullable(),
    replaces: z.string().nullable(),
    created_at: date,
    updated_at: date,
  })
  .transform((row) => ({
    userId: row.user_id,
    storageKey: row.storage_key,
    replaces: row.replaces,
    createdAt: row.created_at,
    file: {
      id: row.id,
      name: row.name,
      chat_id: row.chat_id,
      media_type: row.media_type,
      size_bytes: row.size_bytes,
      sha256: row.sha256,
      status: row.status,
      pages: { done: row.pages_done, total: row.pages_total, failed: row.failed_pages },
      chunks: { done: row.chunks_done, total: row.chunks_total },
      embedding_model: row.embedding_model,
      problem: row.problem,
      task_id: row.task_id,
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
    } satisfies File,
  }));
/** A file as the server sees it: `file` is what its owner may see. */
export type FileRow = z.output<typeof fileRowSchema>;
