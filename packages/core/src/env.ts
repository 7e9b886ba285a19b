import { z } from "zod";
import { parseNetworks } from "./webhooks/address-policy.ts";

export const flag = z.enum(["true", "false"]).transform((value) => value === "true");
export const httpUrl = z
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

/** Model ids, by commas. */
const modelIds = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== ""),
  );

/** The variables that an api and its workers have to be told alike, for the schema of each app's `env.ts`. */
export const sharedEnv = {
  EDITION: z.enum(["standalone", "server"]).default("server"),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgres:// URL" }),
  DATABASE_PREPARE: flag.default(true),
  QUEUE_URL: z.url({
    protocol: /^(rediss?|postgres(ql)?)$/,
    error: "must be a redis://, rediss:// or postgres:// URL",
  }),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,40}$/, "must be a short name of a-z, 0-9, - and _")
    .default("genq"),
  SUPABASE_URL: httpUrl,
  SUPABASE_SECRET_KEY: z.string(),
  STORAGE_BUCKET: z.string().default("genq"),
  EMBEDDING_MODEL: z.string().default("Xenova/multilingual-e5-small"),
  GENERATION_MODEL: z.string().default("onnx-community/Qwen3-0.6B-ONNX"),
  MODELS_ALLOWED: modelIds,
  WEBHOOK_ALLOWED_NETWORKS: networks,
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
};
