import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { InferenceError } from "../inference-error.ts";
import type { DownloadProgress, ModelRecord } from "../types.ts";
import { sha256Of } from "./download-file.ts";
import { createDownloadMeter } from "./download-meter.ts";
import { withFolderLock } from "./folder-lock.ts";
import { configFile, optionalFiles, requiredFiles } from "./model-file-list.ts";
import { checkRoom, exists, missingFiles, modelFolder, readConfig } from "./model-folder.ts";

/** How a large file begins that Git LFS has not fetched. */
const lfsPointer = "version https://git-lfs";

export interface CopyModelOptions {
  record: ModelRecord;
  cacheDir: string;
  /** A model's folder in the hub's layout, or a folder that holds it under the model's name. */
  from: string;
  onProgress: (progress: DownloadProgress) => void;
  signal: AbortSignal;
}

/**
 * Brings a model's files from another folder, such as a mounted disk, to its folder in `cacheDir`.
 * @throws InferenceError `model_unavailable`
 */
export async function copyModelFiles(options: CopyModelOptions): Promise<void> {
  const { record, cacheDir, signal } = options;
  const source = await sourceFolder(options);
  const folder = modelFolder(record, cacheDir);
  if (resolve(source) === resolve(folder)) throw unusable(source, "it is the folder to copy to");
  const missing = await missingFiles(record, source);
  if (missing.length > 0) throw unusable(source, `it has no ${missing.join(", ")}`);
  await mkdir(folder, { recursive: true });
  await withFolderLock(join(folder, ".download-lock"), signal, () => copyAll(options, source, folder));
}

async function sourceFolder({ record, from }: CopyModelOptions): Promise<string> {
  for (const folder of [from, join(from, record.id)]) {
    if (await exists(join(folder, configFile))) return folder;
  }
  throw unusable(from, `there is no ${configFile} in it, nor in ${record.id} in it`);
}

async function copyAll(options: CopyModelOptions, source: string, folder: string): Promise<void> {
  const { record, signal, onProgress } = options;
  const paths = [configFile, ...optionalFiles, ...requiredFiles(record, await readConfig(source))];
  const files: { path: string; bytes: number }[] = [];
  for (const path of paths) {
    const found = await stat(join(source, path)).catch(() => undefined);
    if (!found) continue;
    if (found.size < 1024 && (await readFile(join(source, path), "utf8")).startsWith(lfsPointer))
      throw unusable(join(source, path), "it is only a pointer of Git LFS; run `git lfs pull` there");
    files.push({ path, bytes: found.size });
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  await checkRoom(folder, total);
  using meter = createDownloadMeter(total, onProgress);
  // The weights come last: a folder with all required files is taken to be complete.
  for (const { path } of files)
    await copyFile(join(source, path), join(folder, path), signal, (bytes) => meter.update(path, bytes));
  meter.finish();
}

/** Copies a file, which appears only when it is whole and its content is right. */
async function copyFile(
  source: string,
  target: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const partial = `${target}.${process.pid}.partial`;
  const hash = createHash("sha256");
  let copied = 0;
  onBytes(0);
  await mkdir(dirname(target), { recursive: true });
  try {
    await pipeline(
      createReadStream(source),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          copied += chunk.length;
          onBytes(copied);
          yield chunk;
        }
      },
      createWriteStream(partial, { flush: true }),
      { signal },
    );
    const read = hash.digest("hex");
    const told = await toldSha256(source);
    if (told !== undefined && told !== read)
      throw unusable(source, "its content is not what its name's checksum says");
    if ((await sha256Of(partial)) !== read) throw unusable(source, "the copy of it is not like it");
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

/** The checksum by which the hub's own cache names a large file, which its folders of revisions link to. */
async function toldSha256(path: string): Promise<string | undefined> {
  const name = basename(await realpath(path));
  return /^[0-9a-f]{64}$/.test(name) ? name : undefined;
}

const unusable = (path: string, reason: string) =>
  new InferenceError("model_unavailable", `${path} can't be used: ${reason}.`);
