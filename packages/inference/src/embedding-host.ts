import { createModelHost, type ModelHost, type ModelHostOptions } from "./model-host.ts";
import { createSpreadHost } from "./spread-host.ts";

/** An embedding model in one process, and in further ones for bulk work while there is memory for them. */
export function createEmbeddingHost(options: ModelHostOptions): ModelHost {
  const front = createModelHost(options);
  const { limits, definition } = options;
  const { source, device = "cpu" } = definition.record;
  // A bundled model is over before a second process would have begun, and a GPU is one for all processes.
  const count = limits.bulkProcesses ?? (source === "bundled" || device !== "cpu" ? 0 : limits.threads);
  const bulk = Array.from({ length: count }, () =>
    createModelHost({
      ...options,
      limits: { ...limits, threads: 1 },
      background: true,
      pinned: false,
      optional: true,
      // The front process brings the files and tells what becomes of the model.
      fetchFiles: async (onProgress, signal) => {
        await front.load();
        return await options.fetchFiles(onProgress, signal);
      },
      onStatus: () => {},
    }),
  );
  return createSpreadHost(front, bulk);
}
