import { z } from "zod";

/** The launcher's own settings; flags (flags.ts) say the rest. */
export function launcherEnv(): { hubEndpoint: string; startedByNpm: boolean; inherited: NodeJS.ProcessEnv } {
  const { HF_ENDPOINT, npm_lifecycle_event } = process.env;
  return Object.freeze({
    hubEndpoint: HF_ENDPOINT || "https://huggingface.co",
    startedByNpm: npm_lifecycle_event !== undefined,
    inherited: { ...process.env },
  });
}

const port = z.coerce.number().int().min(1).max(65_535);

const postgresSchema = z.object({ GENQ_DATA_DIR: z.string(), PORT: port, POSTGRES_PASSWORD: z.string() });

/** What the launcher gives the process of the embedded Postgres. */
export function postgresEnv(): { dataDir: string; port: number; password: string } {
  const values = postgresSchema.parse(process.env);
  return Object.freeze({
    dataDir: values.GENQ_DATA_DIR,
    port: values.PORT,
    password: values.POSTGRES_PASSWORD,
  });
}

const supabaseSchema = z.object({
  GENQ_DATA_DIR: z.string(),
  PORT: port,
  DATABASE_URL: z.string(),
  JWT_SECRET: z.string(),
  SIGNING_KEY: z.string(),
  SUPABASE_PUBLISHABLE_KEY: z.string(),
  SUPABASE_SECRET_KEY: z.string(),
  STORAGE_BUCKET: z.string(),
  MAX_OBJECT_BYTES: z.coerce.number().int(),
  SITE_URL: z.string(),
});

/** What the launcher gives the process of @supabase/lite. */
export function supabaseEnv() {
  const values = supabaseSchema.parse(process.env);
  return Object.freeze({
    dataDir: values.GENQ_DATA_DIR,
    port: values.PORT,
    databaseUrl: values.DATABASE_URL,
    jwtSecret: values.JWT_SECRET,
    signingKey: values.SIGNING_KEY,
    publishableKey: values.SUPABASE_PUBLISHABLE_KEY,
    secretKey: values.SUPABASE_SECRET_KEY,
    bucket: values.STORAGE_BUCKET,
    maxObjectBytes: values.MAX_OBJECT_BYTES,
    siteUrl: values.SITE_URL,
  });
}
