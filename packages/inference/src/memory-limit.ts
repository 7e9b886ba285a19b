import { readdir, stat } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { weightsFile } from "./hub/model-file-list.ts";
import type { ModelRecord } from "./types.ts";

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;
/** Weights are held about twice while they are loaded; attention and the key-value cache come on top. */
const perModelByte = 4;
/** Node, transformers.js and ONNX Runtime, with the arenas of small runs. */
const emptyProcessBytes = 200 * mebibyte;
/** Of what this machine or container has. */
const modelsShare = 0.8;

/**
 * How much resident memory a model's process may take unless told, in bytes: by the size of its files, and no more
 * than 80 % of what this machine or container has.
 */
export async function defaultMaxRss(record: ModelRecord, folder: string): Promise<number> {
  const bytes = await modelBytes(record, folder);
  return Math.min(2 * gibibyte + perModelByte * bytes, modelsShare * machineMemory());
}

/** How much memory all models' processes may take together unless told, in bytes. */
export function defaultMemoryBudget(): number {
  return Math.floor(modelsShare * machineMemory());
}

/** What a model's process will take, by the size of its files; to be replaced by what it takes. In bytes. */
export async function estimateRss(record: ModelRecord, folder: string): Promise<number> {
  const bytes = await modelBytes(record, folder);
  const held =
    record.task === "generation" && record.dtype.startsWith("q4") && mayBeHeldTwice(bytes) ? 2.5 : 1.5;
  return emptyProcessBytes + held * bytes;
}

/** Whether 4-bit weights of this size are loaded a second time, for prompts, where that makes them faster. */
export const mayBeHeldTwice = (bytes: number) => process.arch === "x64" && bytes <= 512 * mebibyte;

/** Of the model's files, without weights of other dtypes than the record's. */
async function modelBytes(record: ModelRecord, folder: string): Promise<number> {
  const names = (await readdir(folder, { recursive: true })).filter(
    (name) => !name.includes(".onnx") || name.startsWith(weightsFile(record.dtype)),
  );
  // Another process's lock may be gone by now.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (file) => (file.isFile() ? file.size : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function machineMemory(): number {
  // 0, or more than there is, where no limit is set.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

/** For messages. */
export const mebibytes = (bytes: number) => Math.round(bytes / mebibyte);
