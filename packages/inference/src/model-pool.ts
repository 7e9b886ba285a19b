import { createEmbeddingHost } from "./embedding-host.ts";
import { InferenceError } from "./inference-error.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import { createModelHost, type ModelHost, type ModelHostOptions } from "./model-host.ts";
import type { Tuning } from "./tuning.ts";
import type { InferenceLimits, ModelStatus, ModelTask } from "./types.ts";

export interface ModelPoolOptions
  extends Pick<ModelHostOptions, "limits" | "onStatus" | "memory" | "childMain"> {
  /** @throws InferenceError `model_not_found` */
  find: (id: string, task?: ModelTask) => ModelDefinition;
  /** The models that are loaded by `load()` and stay. */
  pinned: readonly ModelDefinition[];
  /** What was measured of a model on this machine. */
  tuningOf?: (definition: ModelDefinition) => Tuning | undefined;
  fetchFiles: (
    definition: ModelDefinition,
    ...rest: Parameters<ModelHostOptions["fetchFiles"]>
  ) => Promise<string>;
}

/** All models of an inference, each with a host of its own from the first request for it on. */
export interface ModelPool {
  /** The host of a model, of any task unless said. @throws InferenceError `model_not_found` */
  host(id: string, task?: ModelTask): ModelHost;
  statuses(): ModelStatus[];
  load(): Promise<void>;
  close(): Promise<void>;
}

/** How each task's hosts are made, and how many calls of each priority their process is given at once. */
const kinds = ({ generationRows }: InferenceLimits): Record<ModelTask, Kind> => ({
  // A few bulk requests at once let the child fill its batches; the others wait here, out of a crash's reach.
  embedding: { create: createEmbeddingHost, running: { interactive: 16, bulk: 2 } },
  reranking: { create: createModelHost, running: { interactive: 16, bulk: 2 } },
  generation: { create: createModelHost, running: { interactive: 1, bulk: generationRows } },
});
type Kind = Pick<ModelHostOptions, "running"> & { create: typeof createModelHost };

export function createModelPool({
  find,
  pinned,
  fetchFiles,
  tuningOf,
  ...options
}: ModelPoolOptions): ModelPool {
  const hosts = new Map<string, ModelHost>();
  let closed = false;
  const pinnedHosts = pinned.map((definition) => open(definition, true));

  function open(definition: ModelDefinition, isPinned: boolean): ModelHost {
    const { id, task } = definition.record;
    const { create, running } = kinds(options.limits)[task];
    const host = create({
      ...options,
      definition,
      running,
      pinned: isPinned,
      tuning: tuningOf?.(definition),
      fetchFiles: (onProgress, signal) => fetchFiles(definition, onProgress, signal),
    });
    hosts.set(id, host);
    return host;
  }

  return {
    host: (id, task) => {
      const definition = find(id, task);
      const host = hosts.get(id);
      if (host) return host;
      if (closed) throw new InferenceError("aborted", "Inference was closed.");
      return open(definition, false);
    },
    statuses: () => [...hosts.values()].map((host) => host.status()),
    async load() {
      await Promise.all(pinnedHosts.map((host) => host.load()));
    },
    async close() {
      closed = true;
      await Promise.all([...hosts.values()].map((host) => host.close()));
    },
  };
}
