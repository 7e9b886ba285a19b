import { isIP } from "node:net";
import { parseNetworks } from "@genq/core/webhooks";
import { z } from "zod";

const port = z.coerce.number().int().min(0).max(65_535);
const positive = z.coerce.number().int().min(1);
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const httpUrl = z
  .url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" })
  .transform((url) => url.replace(/\/+$/, ""));

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

const schema = z
  .object({
    EDITION: z.enum(["standalone", "server"]).default("server"),
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgres:// URL" }),
    DATABASE_POOL_MAX: positive.default(10),
    DATABASE_PREPARE: flag.default(true),
    DATABASE_TIMEOUT_MS: positive.optional(),
    QUEUE_URL: z.url({
      protocol: /^(rediss?|postgres(ql)?)$/,
      error: "must be a redis://, rediss:// or postgres:// URL",
    }),
    QUEUE_PREFIX: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,40}$/, "must be a short name of a-z, 0-9, - and _")
      .default("genq"),
    SUPABASE_URL: httpUrl,
    SUPABASE_PUBLIC_URL: httpUrl.optional(),
    SUPABASE_PUBLISHABLE_KEY: z.string(),
    SUPABASE_SECRET_KEY: z.string(),
    SUPABASE_JWT_SECRET: z.string().min(32, "must have 32 characters or more").optional(),
    STORAGE_BUCKET: z.string().default("genq"),
    HOST: z.string().optional(),
    PORT: port.default(8000),
    CORS_ORIGINS: z.string().optional(),
    AUTHENTICATE: flag.default(true),
    EMBEDDING_MODEL: z.string().default("Xenova/multilingual-e5-small"),
    GENERATION_MODEL: z.string().default("onnx-community/Qwen3-0.6B-ONNX"),
    MAX_UPLOAD_BYTES: positive.default(52_428_800),
    MAX_BODY_BYTES: positive.default(1_048_576),
    RATE_LIMIT_PER_MINUTE: positive.default(600),
    MAX_QUEUED_TASKS_PER_USER: positive.default(10_000),
    WEBHOOK_ALLOWED_NETWORKS: networks,
    SHUTDOWN_GRACE_MS: positive.default(10_000),
    LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  })
  .transform((values) => ({
    edition: values.EDITION,
    databaseUrl: values.DATABASE_URL,
    databasePoolMax: values.DATABASE_POOL_MAX,
    databasePrepare: values.DATABASE_PREPARE,
    // The embedded Postgres runs one transaction at a time, each behind the others.
    databaseTimeoutMs: values.DATABASE_TIMEOUT_MS ?? (values.EDITION === "standalone" ? 5000 : 1500),
    queueUrl: values.QUEUE_URL,
    queuePrefix: values.QUEUE_PREFIX,
    supabaseUrl: values.SUPABASE_URL,
    supabasePublicUrl: values.SUPABASE_PUBLIC_URL ?? values.SUPABASE_URL,
    supabasePublishableKey: values.SUPABASE_PUBLISHABLE_KEY,
    supabaseSecretKey: values.SUPABASE_SECRET_KEY,
    supabaseJwtSecret: values.SUPABASE_JWT_SECRET,
    storageBucket: values.STORAGE_BUCKET,
    host: values.HOST ?? (values.EDITION === "standalone" ? "127.0.0.1" : "0.0.0.0"),
    port: values.PORT,
    corsOrigins: (
      values.CORS_ORIGINS ?? (values.EDITION === "standalone" ? "http://localhost:*,http://127.0.0.1:*" : "")
    )
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
    authenticate: values.AUTHENTICATE,
    embeddingModel: values.EMBEDDING_MODEL,
    generationModel: values.GENERATION_MODEL,
    maxUploadBytes: values.MAX_UPLOAD_BYTES,
    maxBodyBytes: values.MAX_BODY_BYTES,
    rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
    maxQueuedTasks: values.MAX_QUEUED_TASKS_PER_USER,
    webhookAllowedNetworks: values.WEBHOOK_ALLOWED_NETWORKS,
    shutdownGraceMs: values.SHUTDOWN_GRACE_MS,
    logLevel: values.LOG_LEVEL,
  }));

export type ApiEnv = Readonly<z.output<typeof schema>>;

export type ApiEnvResult = { ok: true; env: ApiEnv } | { ok: false; problems: string[] };

/** Reads the whole environment at once: either all of it is usable, or every problem with it is told. */
export function readApiEnv(source: NodeJS.ProcessEnv = process.env): ApiEnvResult {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const name = issue.path.join(".");
      return `${name} ${given[name] === undefined ? "is missing" : issue.message}`;
    });
    return { ok: false, problems };
  }
  const env = Object.freeze(parsed.data);
  if (!env.authenticate && (env.edition !== "standalone" || !isLoopback(env.host))) {
    return {
      ok: false,
      problems: ["AUTHENTICATE=false works only with EDITION=standalone and a loopback HOST (127.0.0.1)"],
    };
  }
  return { ok: true, env };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
