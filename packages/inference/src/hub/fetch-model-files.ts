import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InferenceError } from "../inference-error.ts";
import type { DownloadProgress } from "../types.ts";
import { describeFiles, type HubModelOptions, readHubConfig, unfetched } from "./describe-model.ts";
import { downloadFile } from "./download-file.ts";
import { createDownloadMeter } from "./download-meter.ts";
import { withFolderLock } from "./folder-lock.ts";
import { configFile, optionalFiles } from "./model-file-list.ts";
import { checkRoom, missingFiles, modelFolder, readConfig, writeWhole } from "./model-folder.ts";

export interface FetchModelOptions extends HubModelOptions {
  cacheDir: string;
  onProgress: (progress: DownloadProgress) => void;
}

/**
 * Brings a model's files to its folder in `cacheDir` and gives that folder. A folder that holds all of them already,
 * mounted or downloaded, needs no network. A model that does not fit its record is refused by its config.json.
 * @throws InferenceError `model_unavailable`
 */
export async function fetchModelFiles(options: FetchModelOptions): Promise<string> {
  const { record, cacheDir, signal } = options;
  const folder = modelFolder(record, cacheDir);
  try {
    if ((await missingFiles(record, folder)).length === 0) return folder;
    await mkdir(folder, { recursive: true });
    await withFolderLock(join(folder, ".download-lock"), signal, () => download(options, folder));
    return folder;
  } catch (error) {
    if (signal.aborted) throw aborted(error);
    throw error instanceof InferenceError ? error : unfetched(record.id, error);
  }
}

async function download(options: FetchModelOptions, folder: string): Promise<void> {
  const { record, onProgress } = options;
  if ((await readConfig(folder)) === undefined)
    await writeWhole(join(folder, configFile), await readHubConfig(options));
  // The optional files come first: a folder with all required files is taken to be complete.
  const files = await describeFiles(options, [...optionalFiles, ...(await missingFiles(record, folder))]);
  const totalBytes = files.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  await checkRoom(folder, totalBytes);
  using meter = createDownloadMeter(totalBytes, onProgress);
  for (const file of files) {
    const onBytes = (bytes: number) => meter.update(file.path, bytes);
    await downloadFile({ ...options, file, target: join(folder, file.path), onBytes });
  }
  meter.finish();
}

const aborted = (cause: unknown) => new InferenceError("aborted", "The download was aborted.", { cause });
