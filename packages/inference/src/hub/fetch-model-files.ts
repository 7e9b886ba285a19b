import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { InferenceError } from "../inference-error.ts";
import type { DownloadProgress, ModelRecord } from "../types.ts";
import { downloadFile } from "./download-file.ts";
import { createDownloadMeter } from "./download-meter.ts";
import { withFolderLock } from "./folder-lock.ts";
import { describeHubFile, type HubFile, HubStatusError, hubFileUrl } from "./hub-file.ts";
import { configFile, optionalFiles, requiredFiles } from "./model-file-list.ts";
import { defaultRetry, type RetryOptions, retry } from "./retry.ts";

export interface FetchModelOptions {
  record: ModelRecord;
  cacheDir: string;
  hubEndpoint: string;
  onProgress: (progress: DownloadProgress) => void;
  signal: AbortSignal;
  retry?: Omit<RetryOptions, "signal">;
}

/**
 * Brings a model's files to `{cacheDir}/{id}` (`{id}@{revision}` for another revision than main) and gives that folder.
 * A folder that holds all of them already, mounted or downloaded, needs no network.
 * @throws InferenceError `model_unavailable`
 */
export async function fetchModelFiles(options: FetchModelOptions): Promise<string> {
  const { record, cacheDir, signal } = options;
  const folder = join(cacheDir, record.revision === "main" ? record.id : `${record.id}@${record.revision}`);
  try {
    if ((await missingFiles(record, folder)).length === 0) return folder;
    await mkdir(folder, { recursive: true });
    await withFolderLock(join(folder, ".download-lock"), signal, () => download(options, folder));
    return folder;
  } catch (error) {
    throw signal.aborted ? abortedDownload(error) : unavailable(record.id, error);
  }
}

/** The required files that the folder lacks; config.json alone when it is one of them, for it tells the others. */
async function missingFiles(record: ModelRecord, folder: string): Promise<string[]> {
  if (!(await exists(join(folder, configFile)))) return [configFile];
  const config: unknown = JSON.parse(await readFile(join(folder, configFile), "utf8"));
  const files = requiredFiles(record, config);
  const found = await Promise.all(files.map((file) => exists(join(folder, file))));
  return files.filter((_, index) => !found[index]);
}

async function download(options: FetchModelOptions, folder: string): Promise<void> {
  const { record, onProgress } = options;
  if (!(await exists(join(folder, configFile)))) {
    const config = await describe(options, configFile);
    await downloadFile({ ...options, file: config, target: join(folder, configFile), onBytes: () => {} });
  }
  // The optional files come first: a folder with all required files is taken to be complete.
  const wanted = [...optionalFiles, ...(await missingFiles(record, folder))];
  const files: HubFile[] = [];
  for (const path of wanted) {
    const file = await describe(options, path).catch((error: unknown) => {
      if (optionalFiles.includes(path) && error instanceof HubStatusError && error.status === 404)
        return undefined;
      throw error;
    });
    if (file) files.push(file);
  }
  const totalBytes = files.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  const meter = createDownloadMeter(totalBytes, onProgress);
  for (const file of files) {
    const onBytes = (bytes: number) => meter.update(file.path, bytes);
    await downloadFile({ ...options, file, target: join(folder, file.path), onBytes });
  }
  meter.finish();
}

function describe(
  { record, hubEndpoint, signal, ...options }: FetchModelOptions,
  path: string,
): Promise<HubFile> {
  const url = hubFileUrl(hubEndpoint, record.id, record.revision, path);
  return retry(() => describeHubFile(url, path, signal), { ...(options.retry ?? defaultRetry), signal });
}

const abortedDownload = (cause: unknown) =>
  new InferenceError("aborted", "The download was aborted.", { cause });

function unavailable(id: string, error: unknown): InferenceError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InferenceError("model_unavailable", `The files of ${id} could not be fetched: ${reason}`, {
    cause: error,
  });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
