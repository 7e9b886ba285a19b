import { join } from "node:path";
import { bundledModelsFolder } from "./bundled-models.ts";
import { checkGenerateRequest, checkTexts } from "./check-request.ts";
import { fetchModelFiles } from "./hub/fetch-model-files.ts";
import { withDefaultLimits } from "./limits.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import { defaultMemoryBudget } from "./memory-limit.ts";
import { findModel, onDevice } from "./model-catalog.ts";
import { createModelPool } from "./model-pool.ts";
import { readKnownModels } from "./own-models.ts";
import type { Inference, InferenceOptions, ModelTask } from "./types.ts";

/**
 * Prepares the models; nothing is downloaded or loaded before the first request or `load()`.
 * @throws InferenceError `model_not_found`
 */
export function createInference(options: InferenceOptions): Inference {
  const limits = withDefaultLimits(options.limits);
  const known = readKnownModels(options.cacheDir);
  const find = (id: string, task?: ModelTask) => onDevice(findModel(id, task, known), options.device);
  const pinned = [
    find(options.models.embedding, "embedding"),
    find(options.models.generation, "generation"),
  ] as const;
  const [{ record: embedding }, { record: generation }] = pinned;
  const pool = createModelPool({
    find,
    pinned,
    limits,
    memory: createMemoryBudget(options.memoryBudgetBytes ?? defaultMemoryBudget()),
    fetchFiles: ({ record }, onProgress, signal) => {
      if (record.source === "bundled") return Promise.resolve(join(bundledModelsFolder, record.id));
      const { cacheDir, hubEndpoint } = options;
      return fetchModelFiles({ record, cacheDir, hubEndpoint, onProgress, signal });
    },
    onStatus: options.onStatus ?? (() => {}),
    childMain: options.childMain,
  });

  return {
    records: () => ({ embedding: { ...embedding }, generation: { ...generation } }),
    record: (id, task) => ({ ...find(id, task).record }),
    status: () => pool.statuses(),
    load: () => pool.load(),
    async embed({ model = embedding.id, texts, kind, priority, signal, alone }) {
      checkTexts(texts, limits);
      const host = pool.host(model, "embedding");
      const { dimensions = 0 } = find(model).record;
      if (texts.length === 0) return { model, dimensions, vectors: [], tokens: [], truncatedTokens: [] };
      const call = { type: "embed", texts, kind, priority } as const;
      const result = await host.call(call, { priority, alone, signal });
      return { model, dimensions, ...result };
    },
    async countTokens(texts, { model = embedding.id, signal, alone } = {}) {
      checkTexts(texts, limits);
      const host = pool.host(model);
      if (texts.length === 0) return [];
      return await host.call({ type: "count", texts }, { priority: "interactive", alone, signal });
    },
    async generate({ model = generation.id, signal, alone, onText, ...request }) {
      checkGenerateRequest(request, limits);
      const call = { type: "generate", ...request } as const;
      const host = pool.host(model, "generation");
      const result = await host.call(call, { priority: "bulk", alone, signal, onText });
      return { ...result, model };
    },
    close: () => pool.close(),
  };
}
