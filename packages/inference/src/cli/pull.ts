import { copyModelFiles } from "../hub/copy-model-files.ts";
import { fetchModelFiles } from "../hub/fetch-model-files.ts";
import type { DownloadProgress, ModelRecord } from "../types.ts";
import { type Context, definitionOf } from "./context.ts";
import { modelOnDisk } from "./model-on-disk.ts";
import { bar, formatBytes } from "./screen.ts";

/** Brings a model's files to this machine. */
export async function pull(context: Context, from: string | undefined): Promise<object> {
  const { cacheDir, screen } = context;
  const { record } = definitionOf(context);
  const before = await modelOnDisk(record, cacheDir);
  if (before.state !== "bundled" && before.state !== "here") await bring(context, record, from);
  const { folder, bytes, state } = await modelOnDisk(record, cacheDir);
  const was = { bundled: "comes with genq", here: "was here already" };
  const how = before.state === "bundled" || before.state === "here" ? was[before.state] : "is here now";
  screen.say(`${record.id} ${how}: ${formatBytes(bytes)} in ${folder}`);
  return { id: record.id, dtype: record.dtype, state, before: before.state, bytes, folder };
}

/** The folder of a model's files, which are brought from the hub when they are not here. */
export async function ensureHere(context: Context, record: ModelRecord): Promise<string> {
  const { folder, state } = await modelOnDisk(record, context.cacheDir);
  if (state !== "bundled" && state !== "here") await bring(context, record, undefined);
  return folder;
}

async function bring(context: Context, record: ModelRecord, from: string | undefined): Promise<void> {
  const { cacheDir, hubEndpoint, signal, screen } = context;
  const onProgress = (progress: DownloadProgress) => screen.show(progressLine(record.id, progress));
  screen.say(
    `${record.id} (${record.dtype}, licence ${record.license ?? "unknown"}) from ${from ?? hubEndpoint}`,
  );
  if (from === undefined) await fetchModelFiles({ record, cacheDir, hubEndpoint, onProgress, signal });
  else await copyModelFiles({ record, cacheDir, from, onProgress, signal });
}

function progressLine(id: string, { loadedBytes, totalBytes, bytesPerSecond }: DownloadProgress): string {
  const left = bytesPerSecond > 0 ? `, ${Math.ceil((totalBytes - loadedBytes) / bytesPerSecond)} s left` : "";
  const done = `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`;
  return `${bar(loadedBytes, totalBytes)}  ${id}  ${done}, ${formatBytes(bytesPerSecond)}/s${left}`;
}
