import { createModelHost, type ModelHost, type ModelHostOptions } from "./model-host.ts";
import { createSpreadHost } from "./spread-host.ts";

/** An embedding model in one process, and in further ones for bulk work while there is memory for them. */
export function createEmbeddingHost(given: ModelHostOptions): ModelHost {
  const { definition, tuning } = given;
  const limits = { ...given.limits, tokensPerRun: given.limits.tokensPerRun ?? tuning?.tokensPerRun };
  const options = { ...given, limits };
  const front = createModelHost(options);
  const { source, device = "cpu" } = definition.record;
  // A bundled model is over before a second process would have begun, and a GPU is one for all processes.
  const untuned = source === "bundled" || device !== "cpu" ? 0 : limits.threads;
  const count = limits.bulkProcesses ?? tuning?.bulkProcesses ?? untuned;
  // As tuned only where their number is.
  const threads = (limits.bulkProcesses === undefined && tuning?.threadsPerBulkProcess) || 1;
  const bulk = Array.from({ length: count }, () =>
    createModelHost({
      ...options,
      limits: { ...limits, threads },
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
