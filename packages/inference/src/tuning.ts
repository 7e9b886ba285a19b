import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { writeWhole } from "./hub/model-folder.ts";
import type { ModelRecord } from "./types.ts";

/** How an embedding model's bulk work is best spread over this machine. */
export interface Tuning {
  bulkProcesses: number;
  threadsPerBulkProcess: number;
  tokensPerRun: number;
}

const tuningFile = "tuning.json";
const count = z.int().min(1).max(100_000);
const schema = z.object({
  cpu: z.string(),
  cores: count,
  revision: z.string(),
  dtype: z.string(),
  bulkProcesses: count,
  threadsPerBulkProcess: count,
  tokensPerRun: count,
  tokensPerSecond: z.number(),
});

/** What a measurement holds for: on another machine, or with other weights, it means nothing. */
function subject({ revision, dtype }: ModelRecord) {
  return { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism(), revision, dtype };
}

/** What was measured of a model on this machine; undefined when nothing was, or it was another machine. */
export function readTuning(record: ModelRecord, folder: string): Tuning | undefined {
  const kept = schema.safeParse(readJson(join(folder, tuningFile)));
  if (!kept.success) return undefined;
  const { bulkProcesses, threadsPerBulkProcess, tokensPerRun, ...about } = kept.data;
  const holds = Object.entries(subject(record)).every(
    ([key, value]) => about[key as keyof typeof about] === value,
  );
  return holds ? { bulkProcesses, threadsPerBulkProcess, tokensPerRun } : undefined;
}

/** Keeps a measurement beside the model. */
export async function keepTuning(
  record: ModelRecord,
  folder: string,
  tuning: Tuning & { tokensPerSecond: number },
): Promise<void> {
  await writeWhole(
    join(folder, tuningFile),
    `${JSON.stringify({ ...subject(record), ...tuning }, null, 2)}\n`,
  );
}

/** A file that can't be read is as good as none: it is only a measurement. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
