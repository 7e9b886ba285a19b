import { httpUrl, sharedEnv } from "@genq/core/env";
import { z } from "zod";

const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const envSchema = z
  .object({
    ...sharedEnv,
    DATABASE_POOL_MAX: integer(2, 1000).default(10),
    MODELS_DIR: z.string().min(1).default(".cache/models"),
    RERANKING_MODEL: z.string().optional(),
    MODEL_DEVICE: z.enum(["cpu", "cuda", "webgpu", "coreml", "dml"]).optional(),
    MODELS_MEMORY_MB: integer(64, 100_000_000).optional(),
    MODEL_MAX_RSS_MB: integer(64, 1_000_000).optional(),
    MODEL_RECYCLE_REQUESTS: integer(1, 1_000_000_000).default(100_000),
    MODEL_RECYCLE_GROWTH_MB: integer(1, 1_000_000).optional(),
    EMBEDDING_BULK_PROCESSES: integer(0, 64).optional(),
    HF_ENDPOINT: httpUrl.default("https://huggingface.co"),
    WORKER_CONCURRENCY_INGEST: integer(1, 64).default(1),
    WORKER_CONCURRENCY_EMBED: integer(1, 64).default(4),
    WORKER_CONCURRENCY_GENERATE: integer(1, 64).default(8),
    MAX_RUNNING_TASKS_PER_USER: integer(1, 10_000).default(16),
    MODEL_DEADLINE_MS: integer(100, 3_600_000).default(15_000),
    SHUTDOWN_GRACE_MS: integer(100, 600_000).default(10_000),
    WORKER_HOST: z.string().min(1).default("127.0.0.1"),
    WORKER_PORT: integer(0, 65_535).default(0),
  })
  .readonly();

export type Env = z.infer<typeof envSchema>;

/** Reads variables; an empty one counts as not set. @throws z.ZodError with every problem at once */
export function parseEnv(source: Record<string, string | undefined>): Env {
  return envSchema.parse(Object.fromEntries(Object.entries(source).filter(([, value]) => value !== "")));
}

/** The process's settings. Tells all problems on stderr and ends the process with 1 when there are any. */
export function readEnv(): Env {
  try {
    return Object.freeze(parseEnv(process.env));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const lines = error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
    process.stderr.write(`The worker can't start; its environment is wrong:\n${lines.join("\n")}\n`);
    process.exit(1);
  }
}
