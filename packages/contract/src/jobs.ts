import { z } from "zod";
import { embedRequestSchema, embedResultSchema } from "./embedding.ts";
import { generateRequestSchema, generateResultSchema } from "./generation.ts";
import { createProblem, type Problem, type ProblemCode } from "./problems.ts";
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

/** Pauses between attempts: they grow by `factor` from `baseMs` to `maxMs`, each scattered from half of it to all. */
export interface Backoff {
  baseMs: number;
  factor: number;
  maxMs: number;
}

/** How a run that ended in a problem is repeated. */
export interface RetryPolicy {
  /** Runs that may end with a report, the first one included. Runs that ended without one count apart. */
  attempts: number;
  backoff: Backoff;
  /** Problems that another run may not have. A run that ends in any other one ends its task. */
  codes: readonly ProblemCode[];
}

interface Job {
  queue: QueueName;
  payload: z.ZodObject;
  result: z.ZodObject;
  /** `waitSeconds` bounds the time in the queue, `runSeconds` that of one run. */
  limits: { waitSeconds: number; runSeconds: number };
  retry: RetryPolicy;
}

/** What runs of each kind may meet through no fault of their task. */
const passing = [
  "database_unavailable",
  "model_unavailable",
  "model_crashed",
  "inference_timeout",
  "overloaded",
  "internal_error",
] as const satisfies ProblemCode[];

/**
 * The catalog of jobs: name → queue, payload, result, deadlines and retries. The API's enqueue, the worker's handler
 * map and the `Task` type are all made from it.
 */
export const jobCatalog = {
  ingest: {
    queue: "ingest",
    payload: ingestPayloadSchema,
    result: ingestResultSchema,
    limits: { waitSeconds: 86_400, runSeconds: 3600 },
    // Seven minutes of pauses in all: storage may be away for a while.
    retry: {
      attempts: 6,
      backoff: { baseMs: 2000, factor: 4, maxMs: 300_000 },
      codes: [...passing, "storage_unavailable", "parser_crashed"],
    },
  },
  embed: {
    queue: "embed",
    payload: embedRequestSchema,
    result: embedResultSchema,
    limits: { waitSeconds: 3600, runSeconds: 300 },
    retry: { attempts: 4, backoff: { baseMs: 2000, factor: 4, maxMs: 60_000 }, codes: passing },
  },
  search: {
    queue: "embed",
    payload: searchRequestSchema,
    result: searchResultSchema,
    limits: { waitSeconds: 3600, runSeconds: 60 },
    // Someone waits for the answer.
    retry: {
      attempts: 4,
      backoff: { baseMs: 1000, factor: 2, maxMs: 10_000 },
      codes: [...passing, "file_not_ready"],
    },
  },
  generate: {
    queue: "generate",
    payload: generateRequestSchema,
    result: generateResultSchema,
    limits: { waitSeconds: 86_400, runSeconds: 600 },
    retry: {
      attempts: 4,
      backoff: { baseMs: 2000, factor: 4, maxMs: 60_000 },
      codes: [...passing, "file_not_ready"],
    },
  },
} as const satisfies Record<string, Job>;

export type JobKind = keyof typeof jobCatalog;
export const jobKinds = Object.keys(jobCatalog) as [JobKind, ...JobKind[]];
export type JobPayload<Kind extends JobKind> = z.infer<(typeof jobCatalog)[Kind]["payload"]>;
export type JobResult<Kind extends JobKind> = z.infer<(typeof jobCatalog)[Kind]["result"]>;

/** Whether another run of this kind may end better than one that ended in this problem. Decided here and nowhere else. */
export function isRetried(kind: JobKind, code: ProblemCode): boolean {
  const { codes }: RetryPolicy = jobCatalog[kind].retry;
  return codes.includes(code);
}

/** The problem of a run, whose `retryable` says what the policy of its kind says. */
export function problemOfRun(kind: JobKind, problem: Problem): Problem {
  return { ...problem, retryable: isRetried(kind, problem.code) };
}

/**
 * How often an attempt may end without a report before its task is quarantined: its worker died, or the process in
 * which its model or its document's parser runs. From the second attempt on it has its model's process to itself.
 */
export const unreportedAttemptsLimit = 3;

/** The problem of a quarantined task. */
export function poisonedProblem(unreportedAttempts: number): Problem {
  return createProblem(
    "poisoned",
    `${unreportedAttempts} attempts ended without a report: the task seems to end the process that works at it. Retry it when the cause is known.`,
  );
}
