import { z } from "zod";
import { mediaTypes } from "./files.ts";
import { queueNames } from "./jobs.ts";

export const modelStates = ["idle", "downloading", "loading", "ready", "unloaded", "failed"] as const;

/** A model as its workers report it. */
export const modelStatusSchema = z
  .object({
    id: z.string(),
    task: z.enum(["embedding", "generation", "reranking"]),
    state: z.enum(modelStates),
    source: z.enum(["bundled", "hub"]),
    revision: z.string(),
    dtype: z.string(),
    dimensions: z.int().nullable(),
    max_tokens: z.int(),
    description: z.string(),
    progress: z
      .object({ loaded_bytes: z.int(), total_bytes: z.int().nullable(), bytes_per_second: z.number() })
      .nullable(),
    // Workers of an older release don't tell these four.
    pinned: z
      .boolean()
      .default(true)
      .meta({ description: "Loaded at the start, and never unloaded for another" }),
    resident_bytes: z.int().nullable().default(null),
    last_used_at: z.iso.datetime().nullable().default(null),
    batching: z.enum(["continuous", "one_row"]).nullable().default(null).meta({
      description:
        "Whether a generation model continues several texts at once, or its graph, dtype or device allows only one. Null before it was loaded",
    }),
    error: z.string().nullable(),
  })
  .meta({ id: "ModelStatus" });
export type ModelStatus = z.infer<typeof modelStatusSchema>;

/** Answer of `GET /health`: the process is alive; what it sees of the rest. */
export const healthSchema = z
  .object({
    status: z.enum(["ok", "degraded"]),
    edition: z.enum(["standalone", "server"]),
    version: z.string(),
    model_loaded: z.boolean(),
    models: z.array(modelStatusSchema),
    workers: z.int().meta({ description: "Workers that were heard of in the last 30 seconds" }),
    queue: z.object({
      backend: z.enum(["redis", "postgres"]),
      waiting: z
        .record(z.enum(queueNames), z.int())
        .meta({ description: "Tasks that wait; more than 10,000 of a queue are not counted" }),
      moving: z
        .array(z.enum(queueNames))
        .meta({ description: "Queues whose tasks were claimed lately, or through which a probe came" }),
    }),
  })
  .meta({ id: "Health" });
export type Health = z.infer<typeof healthSchema>;

/** Answer of `GET /ready`: 200 when every check passes, 503 otherwise. */
export const readinessSchema = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().nullable() })),
  })
  .meta({ id: "Readiness" });
export type Readiness = z.infer<typeof readinessSchema>;

/** Answer of `GET /config`: what a frontend needs to start. Nothing in it is secret. */
export const configSchema = z
  .object({
    supabase_url: z.string(),
    supabase_publishable_key: z.string(),
    limits: z.object({
      upload_bytes: z.int(),
      body_bytes: z.int(),
      media_types: z.array(z.enum(mediaTypes)),
      new_tokens: z.int(),
      texts_per_embed: z.int(),
    }),
    models: z.object({ embedding: z.string(), generation: z.string() }),
  })
  .meta({ id: "Config" });
export type Config = z.infer<typeof configSchema>;
