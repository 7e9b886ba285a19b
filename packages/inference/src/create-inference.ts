import { join } from "node:path";
import { bestFirst } from "./best-first.ts";
import { bundledModelsFolder } from "./bundled-models.ts";
import { checkDimensions, checkGenerateRequest, checkRerankRequest, checkTexts } from "./check-request.ts";
import { fetchModelFiles } from "./hub/fetch-model-files.ts";
import { modelFolder } from "./hub/model-folder.ts";
import { InferenceError } from "./inference-error.ts";
import { withDefaultLimits } from "./limits.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import { defaultMemoryBudget } from "./memory-limit.ts";
import { findModel, onDevice } from "./model-catalog.ts";
import { createModelPool } from "./model-pool.ts";
import type { CallOptions } from "./model-process.ts";
import { readKnownModels } from "./own-models.ts";
import { streamText } from "./stream-text.ts";
import { readTuning } from "./tuning.ts";
import type { GenerateRequest, GenerateResult, Inference, InferenceOptions, ModelTask } from "./types.ts";

/**
 * Prepares the models; nothing is downloaded or loaded before the first request or `load()`.
 * @throws InferenceError `model_not_found`
 */
export function createInference(options: InferenceOptions): Inference {
  const limits = withDefaultLimits(options.limits);
  const known = readKnownModels(options.cacheDir);
  const { device, sharedPrompts = [] } = options;
  const find = (id: string, task?: ModelTask) => ({
    ...onDevice(findModel(id, task, known), device),
    sharedPrompts,
  });
  const models = {
    embedding: find(options.models.embedding, "embedding"),
    generation: find(options.models.generation, "generation"),
    ...(options.models.reranking && { reranking: find(options.models.reranking, "reranking") }),
  };
  const { record: embedding } = models.embedding;
  const { record: generation } = models.generation;
  const pool = createModelPool({
    find,
    pinned: Object.values(models),
    limits,
    memory: createMemoryBudget(options.memoryBudgetBytes ?? defaultMemoryBudget()),
    tuningOf: ({ record }) => readTuning(record, modelFolder(record, options.cacheDir)),
    fetchFiles: ({ record }, onProgress, signal) => {
      if (record.source === "bundled") return Promise.resolve(join(bundledModelsFolder, record.id));
      const { cacheDir, hubEndpoint } = options;
      return fetchModelFiles({ record, cacheDir, hubEndpoint, onProgress, signal });
    },
    onStatus: options.onStatus ?? (() => {}),
    childMain: options.childMain,
  });

  async function generate(
    { model = generation.id, signal: _, alone, ...request }: GenerateRequest,
    { signal, onText }: CallOptions,
  ): Promise<GenerateResult> {
    checkGenerateRequest(request, limits);
    const call = { type: "generate", ...request } as const;
    const host = pool.host(model, "generation");
    const result = await host.call(call, { priority: "bulk", alone, signal, onText });
    return { ...result, model };
  }

  return {
    records: () => ({
      embedding: { ...embedding },
      generation: { ...generation },
      ...(models.reranking && { reranking: { ...models.reranking.record } }),
    }),
    record: (id, task) => ({ ...find(id, task).record }),
    status: () => pool.statuses(),
    load: () => pool.load(),
    async embed({ model = embedding.id, texts, kind, dimensions, priority, signal, alone }) {
      checkTexts(texts, limits);
      const host = pool.host(model, "embedding");
      const { record } = find(model);
      checkDimensions(record, dimensions);
      const told = { model, dimensions: dimensions ?? record.dimensions ?? 0 };
      if (texts.length === 0) return { ...told, vectors: [], tokens: [], truncatedTokens: [] };
      const call = { type: "embed", texts, kind, dimensions, priority } as const;
      const result = await host.call(call, { priority, alone, signal });
      return { ...told, ...result };
    },
    async countTokens(texts, { model = embedding.id, signal, alone } = {}) {
      checkTexts(texts, limits);
      const host = pool.host(model);
      if (texts.length === 0) return [];
      return await host.call({ type: "count", texts }, { priority: "interactive", alone, signal });
    },
    generate: (request) => generate(request, request),
    generateStream: (request) => streamText((following) => generate(request, following), request.signal),
    async rerank({ model = models.reranking?.record.id, signal, alone, topK, ...request }) {
      checkRerankRequest({ ...request, topK }, limits);
      if (model === undefined)
        throw new InferenceError("invalid_input", "No reranking model is configured: name one.");
      const host = pool.host(model, "reranking");
      if (request.texts.length === 0) return { model, results: [] };
      const { priority } = request;
      const answer = await host.call({ type: "rerank", ...request }, { priority, alone, signal });
      return { model, results: bestFirst(answer).slice(0, topK) };
    },
    close: () => pool.close(),
  };
}
