import { z } from "zod";
import { fileSchema } from "./files.ts";
import { type JobKind, jobCatalog, jobKinds } from "./jobs.ts";
import { problemSchema } from "./problems.ts";
import { pageQuerySchema, pageSchema, timestampSchema, uuidSchema } from "./scalars.ts";

export const taskStatuses = ["queued", "processing", "completed", "failed", "canceled", "expired"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** A status that never changes again, but by an explicit retry of a failed task. */
export const terminalTaskStatuses = [
  "completed",
  "failed",
  "canceled",
  "expired",
] as const satisfies TaskStatus[];

export function isTerminal(status: TaskStatus): boolean {
  return (terminalTaskStatuses as readonly TaskStatus[]).includes(status);
}

/** How far a running task is. `total` is null while it is not known. */
export const progressSchema = z
  .object({
    stage: z.string(),
    done: z.int(),
    total: z.int().nullable(),
    unit: z.enum(["pages", "chunks", "tokens"]),
  })
  .meta({ id: "Progress" });
export type Progress = z.infer<typeof progressSchema>;

const taskUrlsSchema = z.object({ self: z.string(), cancel: z.string(), events: z.string() });

const taskBaseShape = {
  id: uuidSchema,
  task_id: uuidSchema.meta({ description: "The same as id, for the first clients" }),
  status: z.enum(taskStatuses),
  attempt: z.int(),
  progress: progressSchema.nullable(),
  problem: problemSchema.nullable(),
  file_id: uuidSchema.nullable(),
  created_at: timestampSchema,
  started_at: timestampSchema.nullable(),
  finished_at: timestampSchema.nullable(),
  updated_at: timestampSchema,
  expires_at: timestampSchema,
  urls: taskUrlsSchema,
};

function taskOf<Kind extends JobKind>(kind: Kind) {
  const result: (typeof jobCatalog)[Kind]["result"] = jobCatalog[kind].result;
  return z.object({ ...taskBaseShape, kind: z.literal(kind), result: z.nullable(result) });
}

/** A task as `GET /task/{id}` shows it: `kind` discriminates `result`. */
export const taskSchema = z
  .discriminatedUnion("kind", [taskOf("ingest"), taskOf("embed"), taskOf("search"), taskOf("generate")])
  .meta({ id: "Task" });
export type Task = z.infer<typeof taskSchema>;
export type TaskOf<Kind extends JobKind> = Extract<Task, { kind: Kind }>;

export const queueStateSchema = z.object({
  position: z.int().meta({
    description:
      "Tasks of this queue that are ahead of this one; 0 is next, and no more than 1000 are counted",
  }),
  eta_s: z
    .number()
    .nullable()
    .meta({ description: "Estimated seconds until it starts; null while nothing is known" }),
});

/** Body of a 202: the task was written down and will be done. */
export const submittedTaskSchema = z
  .object({
    id: uuidSchema,
    task_id: uuidSchema,
    kind: z.enum(jobKinds),
    status: z.enum(taskStatuses),
    created_at: timestampSchema,
    expires_at: timestampSchema,
    queue: queueStateSchema,
    urls: taskUrlsSchema,
  })
  .meta({ id: "SubmittedTask" });
export type SubmittedTask = z.infer<typeof submittedTaskSchema>;

/** Body of the answer to `POST /upload`. */
export const uploadResultSchema = z
  .object({
    file: fileSchema,
    task: submittedTaskSchema.nullable(),
    deduplicated: z
      .boolean()
      .meta({ description: "True when these bytes were uploaded before: `file` is that file" }),
  })
  .meta({ id: "UploadResult" });
export type UploadResult = z.infer<typeof uploadResultSchema>;

export const taskPageSchema = pageSchema(taskSchema).meta({
  id: "TaskPage",
  description: "Listed tasks have no `result`: it may be large. Read the task for it",
});

export const listTasksQuerySchema = pageQuerySchema.extend({
  status: z.enum(taskStatuses).optional(),
  kind: z.enum(jobKinds).optional(),
});
export type ListTasksQuery = z.infer<typeof listTasksQuerySchema>;

/** Seconds that `?wait=` and `Prefer: wait=` may ask for. */
export const waitLimitSeconds = 60;
export const getTaskQuerySchema = z.object({
  wait: z.coerce.number().min(0).max(waitLimitSeconds).optional(),
});

/** Header `Idempotency-Key`. */
export const idempotencyKeySchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+$/, "may hold visible ASCII characters only");
