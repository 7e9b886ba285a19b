import { access, mkdir, readFile, rename, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InferenceError } from "../inference-error.ts";
import type { ModelRecord } from "../types.ts";
import { checkConfig } from "./check-config.ts";
import { configFile, requiredFiles } from "./model-file-list.ts";

/** Where a model's files are kept: `{cacheDir}/{id}`, and `{id}@{revision}` for another revision than main. */
export function modelFolder(record: ModelRecord, cacheDir: string): string {
  return join(cacheDir, record.revision === "main" ? record.id : `${record.id}@${record.revision}`);
}

/**
 * The required files that a folder lacks; config.json alone when it is one of them, for it tells the others.
 * @throws InferenceError `model_unavailable` when the config does not fit the record
 */
export async function missingFiles(record: ModelRecord, folder: string): Promise<string[]> {
  const config = await readConfig(folder);
  if (config === undefined) return [configFile];
  checkConfig(record, config);
  const files = requiredFiles(record, config);
  const found = await Promise.all(files.map((file) => exists(join(folder, file))));
  return files.filter((_, index) => !found[index]);
}

/** The folder's config.json, undefined when there is none. */
export async function readConfig(folder: string): Promise<unknown> {
  const text = await readIfThere(join(folder, configFile));
  return text === undefined ? undefined : JSON.parse(text);
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return (await exists(path)) ? await readFile(path, "utf8") : undefined;
}

/** Writes a small file that appears only when it is whole. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

/** @throws InferenceError `model_unavailable` when the disk has no room for so many bytes more */
export async function checkRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const megabytes = (value: number) => `${Math.ceil(value / 1e6)} MB`;
  throw new InferenceError(
    "model_unavailable",
    `${folder} has ${megabytes(free)} free, and ${megabytes(bytes)} are to come. Make room, or set MODELS_DIR to another disk.`,
  );
}

export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
