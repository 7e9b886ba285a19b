import { type Config, configSchema, embeddingLimits, generationLimits, mediaTypes } from "@genq/contract";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, publicProblems } from "../http/describe.ts";

/** `GET /config`: what a frontend needs to start. Nothing in it is secret. */
export function serviceConfig(app: ApiApp, { env }: ApiDeps): void {
  const config: Config = {
    supabase_url: env.supabasePublicUrl,
    supabase_publishable_key: env.supabasePublishableKey,
    limits: {
      upload_bytes: env.maxUploadBytes,
      body_bytes: env.maxBodyBytes,
      media_types: [...mediaTypes],
      new_tokens: generationLimits.newTokens,
      texts_per_embed: embeddingLimits.texts,
    },
    models: { embedding: env.embeddingModel, generation: env.generationModel },
  };
  app.openapi(
    createRoute({
      method: "get",
      path: "/config",
      tags: ["Service"],
      summary: "Read what a frontend needs to start",
      responses: { 200: jsonAnswer(configSchema, "The configuration"), ...publicProblems },
    }),
    (c) => c.json(config, 200),
  );
}
