import type { DataType } from "@huggingface/transformers";
import type { ModelRecord } from "../types.ts";

/** How ONNX Runtime runs a model of this package: from local files, with few threads. */
export function sessionOptions(record: ModelRecord, threads: number) {
  return {
    // Records are this package's own: their dtypes are names that transformers.js knows.
    dtype: record.dtype as DataType,
    device: record.device ?? "cpu",
    local_files_only: true,
    session_options: {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: 3,
      // Spinning threads would take the cores from the other model's process.
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    },
  } as const;
}
