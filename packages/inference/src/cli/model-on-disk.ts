import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundledModelsFolder } from "../bundled-models.ts";
import { missingFiles, modelFolder } from "../hub/model-folder.ts";
import { InferenceError } from "../inference-error.ts";
import type { ModelRecord } from "../types.ts";

export interface ModelOnDisk {
  folder: string;
  /** `unfit`: what is there is another kind of model than its record says. */
  state: "bundled" | "here" | "partial" | "absent" | "unfit";
  files: { path: string; bytes: number }[];
  bytes: number;
}

/** What of a model is on this machine, without asking the hub. */
export async function modelOnDisk(record: ModelRecord, cacheDir: string): Promise<ModelOnDisk> {
  const bundled = record.source === "bundled";
  const folder = bundled ? join(bundledModelsFolder, record.id) : modelFolder(record, cacheDir);
  const files = await filesIn(folder);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const state = bundled ? "bundled" : files.length === 0 ? "absent" : await stateOf(record, folder);
  return { folder, state, files, bytes };
}

async function stateOf(record: ModelRecord, folder: string): Promise<ModelOnDisk["state"]> {
  try {
    return (await missingFiles(record, folder)).length === 0 ? "here" : "partial";
  } catch (error) {
    if (error instanceof InferenceError) return "unfit";
    throw error;
  }
}

async function filesIn(folder: string): Promise<ModelOnDisk["files"]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const files = await Promise.all(
    names.map(async (path) => {
      const found = await stat(join(folder, path)).catch(() => undefined);
      return found?.isFile() ? [{ path, bytes: found.size }] : [];
    }),
  );
  return files.flat().toSorted((a, b) => a.path.localeCompare(b.path));
}
