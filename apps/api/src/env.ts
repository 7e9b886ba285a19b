import { isIP } from "node:net";
import { flag, httpUrl, sharedEnv } from "@genq/core/env";
import { z } from "zod";

const port = z.coerce.number().int().min(0).max(65_535);
const positive = z.coerce.number().int().min(1);

const schema = z
  .object({
    ...sharedEnv,
    DATABASE_POOL_MAX: positive.default(10),
    DATABASE_TIMEOUT_MS: positive.optional(),
    SUPABASE_PUBLIC_URL: httpUrl.optional(),
    SUPABASE_PUBLISHABLE_KEY: z.string(),
    SUPABASE_JWT_SECRET: z.string().min(32, "must have 32 characters or more").optional(),
    HOST: z.string().optional(),
    PORT: port.default(8000),
    CORS_ORIGINS: z.string().optional(),
    AUTHENTICATE: flag.default(true),
    MAX_UPLOAD_BYTES: positive.default(52_428_800),
    MAX_BODY_BYTES: positive.default(1_048_576),
    RATE_LIMIT_PER_MINUTE: positive.default(600),
    MAX_QUEUED_TASKS_PER_USER: positive.default(10_000),
    SHUTDOWN_GRACE_MS: positive.default(10_000),
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
    modelsAllowed: values.MODELS_ALLOWED,
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
