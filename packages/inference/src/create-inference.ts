import { join } from "node:path";
import { bundledModelsFolder } from "./bundled-models.ts";
import { checkGenerateRequest, checkTexts } from "./check-request.ts";
import { createEmbeddingHost } from "./embedding-host.ts";
import { fetchModelFiles } from "./hub/fetch-model-files.ts";
import { withDefaultLimits } from "./limits.ts";
import { findModel, type ModelDefinition, onDevice } from "./model-catalog.ts";
import { createModelHost, type ModelHostOptions } from "./model-host.ts";
import { readKnownModels } from "./own-models.ts";
import type { Inference, InferenceOptions } from "./types.ts";

/**
 * Prepares the two models; nothing is downloaded or loaded before the first request or `load()`.
 * @throws InferenceError `model_not_found`
 */
export function createInference(options: InferenceOptions): Inference {
  const limits = withDefaultLimits(options.limits);
  const known = readKnownModels(options.cacheDir);
  const definitions = {
    embedding: onDevice(findModel(options.models.embedding, "embedding", known), options.device),
    generation: onDevice(findModel(options.models.generation, "generation", known), options.device),
  };
  const hosts = {
    // A few bulk requests at once let the child fill its batches; the others wait here, out of a crash's reach.
    embedding: createEmbeddingHost(hostOptions(definitions.embedding, { interactive: 16, bulk: 2 })),
    generation: createModelHost(hostOptions(definitions.generation, { interactive: 1, bulk: 1 })),
  };

  function hostOptions(
    definition: ModelDefinition,
    running: { interactive: number; bulk: number },
  ): ModelHostOptions {
    const { id, source } = definition.record;
    return {
      definition,
      limits,
      running,
      fetchFiles: (onProgress, signal) => {
        if (source === "bundled") return Promise.resolve(join(bundledModelsFolder, id));
        const { cacheDir, hubEndpoint } = options;
        return fetchModelFiles({ record: definition.record, cacheDir, hubEndpoint, onProgress, signal });
      },
      onStatus: options.onStatus ?? (() => {}),
      childMain: options.childMain,
    };
  }

  return {
    records: () => ({
      embedding: { ...definitions.embedding.record },
      generation: { ...definitions.generation.record },
    }),
    status: () => [hosts.embedding.status(), hosts.generation.status()],
    async load() {
      await Promise.all([hosts.embedding.load(), hosts.generation.load()]);
    },
    async embed({ signal, alone, ...request }) {
      checkTexts(request.texts, limits);
      const { id, dimensions = 0 } = definitions.embedding.record;
      if (request.texts.length === 0)
        return { model: id, dimensions, vectors: [], tokens: [], truncatedTokens: [] };
      const { texts, kind, priority } = request;
      const call = { type: "embed", texts, kind, priority } as const;
      const result = await hosts.embedding.call(call, { priority, alone, signal });
      return { model: id, dimensions, ...result };
    },
    async countTokens(texts, { model = "embedding", signal, alone } = {}) {
      checkTexts(texts, limits);
      if (texts.length === 0) return [];
      return await hosts[model].call({ type: "count", texts }, { priority: "interactive", alone, signal });
    },
    async generate({ signal, alone, onText, ...request }) {
      checkGenerateRequest(request, limits);
      const call = { type: "generate", ...request } as const;
      const result = await hosts.generation.call(call, { priority: "bulk", alone, signal, onText });
      return { ...result, model: definitions.generation.record.id };
    },
    async close() {
      await Promise.all([hosts.embedding.close(), hosts.generation.close()]);
    },
  };
}
