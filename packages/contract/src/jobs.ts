import { z } from "zod";
import { embedRequestSchema, embedResultSchema } from "./embedding.ts";
import { generateRequestSchema, generateResultSchema } from "./generation.ts";
import { uuidSchema } from "./scalars.ts";
import { searchRequestSchema, searchResultSchema } from "./search.ts";

export const queueNames = ["ingest", "embed", "generate"] as const;
export type QueueName = (typeof queueNames)[number];

/** What a task carries to its worker. The row holds it; the queue carries the task's id only. */
export const ingestPayloadSchema = z.object({ file_id: uuidSchema }).meta({ id: "IngestRequest" });
export const ingestResultSchema = z
  .object({
    file_id: uuidSchema,
    status: z.enum(["ready", "partial"]),
    pages: z.int(),
    failed_pages: z.array(z.int()),
    chunks: z.int(),
    tokens: z.int(),
    model: z.string(),
  })
  .meta({ id: "IngestResult" });

/**
 * The catalog of jobs: name → queue, payload, result, limits. The API's enqueue, the worker's handler map and the
 * `Task` type are all made from it. `attempts` counts runs that ended in a retryable problem, `runSeconds` bounds one
 * run, `waitSeconds` the time in the queue.
 */
export const jobCatalog = {
  ingest: {
    queue: "ingest",
    payload: ingestPayloadSchema,
    result: ingestResultSchema,
    // Two minutes of pauses in all: storage may be away for a while.
    limits: { attempts: 5, runSeconds: 3600, waitSeconds: 86_400 },
  },
  embed: {
    queue: "embed",
    payload: embedRequestSchema,
    result: embedResultSchema,
    limits: { attempts: 3, runSeconds: 300, waitSeconds: 3600 },
  },
  search: {
    queue: "embed",
    payload: searchRequestSchema,
    result: searchResultSchema,
    limits: { attempts: 3, runSeconds: 60, waitSeconds: 3600 },
  },
  generate: {
    queue: "generate",
    payload: generateRequestSchema,
    result: generateResultSchema,
    limits: { attempts: 3, runSeconds: 600, waitSeconds: 86_400 },
  },
} as const satisfies Record<
  string,
  {
    queue: QueueName;
    payload: z.ZodObject;
    result: z.ZodObject;
    limits: { attempts: number; runSeconds: number; waitSeconds: number };
  }
>;

export type JobKind = keyof typeof jobCatalog;
export const jobKinds = Object.keys(jobCatalog) as [JobKind, ...JobKind[]];
export type JobPayload<Kind extends JobKind> = z.infer<(typeof jobCatalog)[Kind]["payload"]>;
export type JobResult<Kind extends JobKind> = z.infer<(typeof jobCatalog)[Kind]["result"]>;

/** How often an attempt may end without a report (its worker died) before the task is quarantined. */
export const unreportedAttemptsLimit = 3;
