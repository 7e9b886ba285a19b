import { processesThatFit } from "./memory-limit.ts";
import { createModelHost, type ModelHost, type ModelHostOptions } from "./model-host.ts";
import { createSpreadHost } from "./spread-host.ts";

/** An embedding model in one process, or in as many as pay and fit into the machine's memory. */
export function createEmbeddingHost(options: ModelHostOptions): ModelHost {
  const front = createModelHost(options);
  const { limits, definition } = options;
  const { threads, bulkProcesses, maxRssBytes } = limits;
  const { source, device = "cpu" } = definition.record;
  // A bundled model is over before a second process would have begun, and a GPU is one for all processes.
  const wanted = bulkProcesses ?? (source === "bundled" || device !== "cpu" ? 0 : threads);
  const count = Math.min(wanted, processesThatFit(maxRssBytes) - 1);
  const bulk = Array.from({ length: Math.max(0, count) }, () =>
    createModelHost({
      ...options,
      limits: { ...limits, threads: 1 },
      background: true,
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
