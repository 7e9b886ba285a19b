import type { ModelStatus as PublicStatus } from "@genq/contract";
import type { Inference, ModelStatus, ModelTask } from "@genq/inference";
import { delayAfter, loadBackoff } from "./backoff.ts";

export interface Models {
  readonly inference: Inference;
  /** Resolves when the configured model is ready for the first time. */
  ready(task: ModelTask): Promise<void>;
  /** Whether the configured models are. */
  isReady(): boolean;
  statuses(): PublicStatus[];
  stop(): Promise<void>;
}

/**
 * Loads the models in the background, and again with growing pauses after a failure: a hub that is away for an hour
 * costs that hour and no restart.
 */
export function startModels(options: {
  openInference: (onStatus: (status: ModelStatus) => void) => Inference;
  onStatus: (status: ModelStatus) => void;
}): Models {
  const firsts: Record<ModelTask, PromiseWithResolvers<void>> = {
    embedding: Promise.withResolvers(),
    generation: Promise.withResolvers(),
    reranking: Promise.withResolvers(),
  };
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let stopped = false;

  const load = () => {
    timer = undefined;
    inference.load().then(
      () => {
        failures = 0;
      },
      // The status told it already.
      () => retry(),
    );
  };
  const retry = () => {
    if (stopped || timer !== undefined) return;
    failures++;
    timer = setTimeout(load, delayAfter(failures, loadBackoff));
  };
  const inference = options.openInference((status) => {
    if (status.pinned && status.state === "ready") firsts[status.task].resolve();
    // Also a model that ends after it was ready is loaded again, before the next task asks for it.
    if (status.pinned && status.state === "failed") retry();
    options.onStatus(status);
  });
  load();

  return {
    inference,
    ready: (task) => firsts[task].promise,
    isReady: () => inference.status().every(({ pinned, state }) => !pinned || state === "ready"),
    statuses: () => inference.status().map((status) => present(status, inference)),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await inference.close();
    },
  };
}

/** A model's status and record as `/health` shows them. */
function present(status: ModelStatus, inference: Inference): PublicStatus {
  const record = inference.record(status.id);
  const { progress, lastUsedAt } = status;
  return {
    id: status.id,
    task: status.task,
    state: status.state,
    source: status.source,
    revision: record.revision,
    dtype: record.dtype,
    dimensions: record.dimensions ?? null,
    max_tokens: record.maxTokens,
    description: record.description,
    progress:
      progress === undefined
        ? null
        : {
            loaded_bytes: progress.loadedBytes,
            total_bytes: progress.totalBytes,
            bytes_per_second: progress.bytesPerSecond,
          },
    pinned: status.pinned,
    resident_bytes: status.residentBytes ?? null,
    last_used_at: lastUsedAt === undefined ? null : new Date(lastUsedAt).toISOString(),
    batching: status.batching ?? null,
    error: status.error ?? null,
  };
}

/** The line of JSON by which a model's progress is told on stdout. */
export function progressLine({ id, task, state, progress, error }: ModelStatus): string {
  return JSON.stringify({
    event: "model_progress",
    model: id,
    task,
    state,
    loaded_bytes: progress?.loadedBytes ?? null,
    total_bytes: progress?.totalBytes ?? null,
    bytes_per_second: progress?.bytesPerSecond ?? null,
    ...(error === undefined ? {} : { error }),
  });
}
