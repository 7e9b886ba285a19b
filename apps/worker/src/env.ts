import { parseNetworks } from "@genq/core/webhooks";
import { z } from "zod";

const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = z.enum(["true", "false", "1", "0"]).transform((value) => value === "true" || value === "1");
const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" });

/** CIDR blocks, by commas. */
const networks = z
  .string()
  .default("")
  .transform((text, context) => {
    try {
      return parseNetworks(text);
    } catch {
      context.addIssue({ code: "custom", message: "must be CIDR blocks, by commas: 127.0.0.0/8,fd00::/8" });
      return z.NEVER;
    }
  });

const envSchema = z
  .object({
    EDITION: z.enum(["standalone", "server"]).default("server"),
    DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\/./, "must be a postgres:// URL"),
    DATABASE_POOL_MAX: integer(2, 1000).default(10),
    DATABASE_PREPARE: flag.default(true),
    QUEUE_URL: z
      .string()
      .regex(/^(rediss?|postgres(ql)?):\/\/./, "must be a redis://, rediss:// or postgres:// URL"),
    QUEUE_PREFIX: z
      .string()
      .regex(/^[\w-]{1,40}$/, "may hold up to 40 letters, digits, _ and -")
      .default("genq"),
    SUPABASE_URL: httpUrl,
    SUPABASE_SECRET_KEY: z.string().min(1),
    STORAGE_BUCKET: z.string().min(1).default("genq"),
    EMBEDDING_MODEL: z.string().min(1).default("Xenova/multilingual-e5-small"),
    GENERATION_MODEL: z.string().min(1).default("onnx-community/Qwen3-0.6B-ONNX"),
    MODELS_DIR: z.string().min(1).default(".cache/models"),
    MODEL_MAX_RSS_MB: integer(64, 1_000_000).optional(),
    EMBEDDING_BULK_PROCESSES: integer(0, 64).optional(),
    HF_ENDPOINT: httpUrl.default("https://huggingface.co"),
    WORKER_CONCURRENCY_INGEST: integer(1, 64).default(1),
    WORKER_CONCURRENCY_EMBED: integer(1, 64).default(4),
    WORKER_CONCURRENCY_GENERATE: integer(1, 64).default(1),
    MAX_RUNNING_TASKS_PER_USER: integer(1, 10_000).default(16),
    MODEL_DEADLINE_MS: integer(100, 3_600_000).default(15_000),
    WEBHOOK_ALLOWED_NETWORKS: networks,
    SHUTDOWN_GRACE_MS: integer(100, 600_000).default(10_000),
    WORKER_HOST: z.string().min(1).default("127.0.0.1"),
    WORKER_PORT: integer(0, 65_535).default(0),
    LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
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
