import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Keys } from "./keys.ts";
import type { ModelChoice } from "./models.ts";
import type { Ports } from "./ports.ts";

/** The files that the launcher runs. Other apps are started, never imported. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
export const entries = {
  postgres: fileURLToPath(new URL("./postgres/main.ts", import.meta.url)),
  supabase: fileURLToPath(new URL("./supabase/main.ts", import.meta.url)),
  migrate: join(root, "apps/api/src/migrate/main.ts"),
  api: join(root, "apps/api/src/main.ts"),
  worker: join(root, "apps/worker/src/main.ts"),
} as const;

const bucket = "genq";
const maxUploadBytes = 52_428_800;

export interface Setting {
  readonly ports: Ports;
  readonly dataFolder: string;
  readonly keys: Keys;
  readonly inherited: NodeJS.ProcessEnv;
}

export interface Urls {
  readonly api: string;
  readonly supabase: string;
  readonly database: string;
}

export function urlsOf({ ports, keys }: Setting): Urls {
  return {
    api: `http://127.0.0.1:${ports.api}`,
    supabase: `http://127.0.0.1:${ports.supabase}`,
    database: `postgres://postgres:${keys.postgres_password}@127.0.0.1:${ports.postgres}/postgres`,
  };
}

/** What every child gets. The compile cache takes a third off the time that later starts spend loading modules. */
function commonEnvironment(setting: Setting): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: join(setting.dataFolder, "cache"), ...setting.inherited };
}

export function postgresEnvironment(setting: Setting): NodeJS.ProcessEnv {
  return {
    ...commonEnvironment(setting),
    GENQ_DATA_DIR: setting.dataFolder,
    PORT: String(setting.ports.postgres),
    POSTGRES_PASSWORD: setting.keys.postgres_password,
  };
}

export function supabaseEnvironment(setting: Setting): NodeJS.ProcessEnv {
  const { keys } = setting;
  return {
    ...commonEnvironment(setting),
    EXPERIMENTAL_STORAGE: "1",
    GENQ_DATA_DIR: setting.dataFolder,
    PORT: String(setting.ports.supabase),
    DATABASE_URL: urlsOf(setting).database,
    JWT_SECRET: keys.jwt_secret,
    SIGNING_KEY: keys.signing_key,
    SUPABASE_PUBLISHABLE_KEY: keys.publishable_key,
    SUPABASE_SECRET_KEY: keys.secret_key,
    STORAGE_BUCKET: bucket,
    MAX_OBJECT_BYTES: setting.inherited["MAX_UPLOAD_BYTES"] ?? String(maxUploadBytes),
    SITE_URL: urlsOf(setting).api,
  };
}

export function migrateEnvironment(setting: Setting): NodeJS.ProcessEnv {
  const { database } = urlsOf(setting);
  return { ...commonEnvironment(setting), DATABASE_URL: database, QUEUE_URL: database };
}

/** One environment for the api and the worker. What the user set stays, but for what the launcher has to decide. */
export function appEnvironment(setting: Setting, models: ModelChoice): NodeJS.ProcessEnv {
  const urls = urlsOf(setting);
  const {
    SUPABASE_JWT_SECRET: _secret,
    SUPABASE_PUBLIC_URL: _url,
    ...inherited
  } = commonEnvironment(setting);
  return {
    CORS_ORIGINS: "http://localhost:*,http://127.0.0.1:*",
    ...inherited,
    EDITION: "standalone",
    HOST: "127.0.0.1",
    PORT: String(setting.ports.api),
    DATABASE_URL: urls.database,
    DATABASE_PREPARE: "true",
    QUEUE_URL: urls.database,
    SUPABASE_URL: urls.supabase,
    SUPABASE_PUBLISHABLE_KEY: setting.keys.publishable_key,
    SUPABASE_SECRET_KEY: setting.keys.secret_key,
    STORAGE_BUCKET: bucket,
    EMBEDDING_MODEL: models.embedding,
    GENERATION_MODEL: models.generation,
    MODELS_DIR: inherited["MODELS_DIR"] ?? join(setting.dataFolder, "models"),
    SHUTDOWN_GRACE_MS: "3000",
  };
}
