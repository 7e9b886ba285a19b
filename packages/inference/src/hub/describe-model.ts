import { InferenceError } from "../inference-error.ts";
import type { ModelRecord } from "../types.ts";
import { checkConfig } from "./check-config.ts";
import { describeHubFile, type HubFile, HubStatusError, hubFileUrl, readHubFile } from "./hub-file.ts";
import { configFile, dtypes, optionalFiles, weightsFile } from "./model-file-list.ts";
import { defaultRetry, type RetryOptions, retry } from "./retry.ts";

export interface HubModelOptions {
  record: ModelRecord;
  hubEndpoint: string;
  signal: AbortSignal;
  retry?: Omit<RetryOptions, "signal">;
}

/**
 * The text of a model's config.json on the hub, held against the record.
 * @throws InferenceError `model_unavailable` when it does not fit or is not there
 */
export async function readHubConfig(options: HubModelOptions): Promise<string> {
  const text = await readSmallFile(options, configFile);
  checkConfig(options.record, JSON.parse(text));
  return text;
}

/**
 * A small file of a model on the hub.
 * @throws InferenceError `model_unavailable`
 */
export async function readSmallFile(options: HubModelOptions, path: string): Promise<string> {
  const { record, hubEndpoint, signal } = options;
  const url = hubFileUrl(hubEndpoint, record.id, record.revision, path);
  return await patiently(options, () => readHubFile(url, signal)).catch((error: unknown) => {
    if (!isMissing(error)) throw unfetched(record.id, error);
    // The hub tells nobody which names are private ones.
    const reason = `${url} answered ${error.status}: there is no such model, or it is not for everyone`;
    throw new InferenceError("model_unavailable", `${record.id} can't be had: ${reason}.`, { cause: error });
  });
}

/**
 * Sizes and checksums of a model's files.
 * @throws InferenceError `model_unavailable` when there are no weights of the record's dtype, naming what is there
 */
export async function describeFiles(options: HubModelOptions, paths: readonly string[]): Promise<HubFile[]> {
  const { record } = options;
  const files: HubFile[] = [];
  for (const path of paths) {
    const file = await describe(options, path);
    if (file) files.push(file);
    else if (path === weightsFile(record.dtype)) throw await noWeights(options, path);
    else if (!optionalFiles.includes(path))
      throw new InferenceError("model_unavailable", `${record.id} can't be used: it has no ${path}.`);
  }
  return files;
}

/** The dtypes whose weights the hub has. */
export async function dtypesOnHub(options: HubModelOptions): Promise<string[]> {
  const found = await Promise.all(dtypes.map((dtype) => describe(options, weightsFile(dtype))));
  return dtypes.filter((_, index) => found[index] !== undefined);
}

async function noWeights(options: HubModelOptions, path: string): Promise<InferenceError> {
  const { id, dtype } = options.record;
  const found = await dtypesOnHub(options);
  const instead = found.length > 0 ? `it has ${found.join(", ")}` : "it has no ONNX weights of any kind";
  return new InferenceError("model_unavailable", `${id} has no ${dtype} weights (${path}): ${instead}.`);
}

async function describe(options: HubModelOptions, path: string): Promise<HubFile | undefined> {
  const { record, hubEndpoint, signal } = options;
  const url = hubFileUrl(hubEndpoint, record.id, record.revision, path);
  return await patiently(options, () => describeHubFile(url, path, signal)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
}

/** The error of a hub that can't be reached, or of whatever else came between. */
export function unfetched(id: string, error: unknown): InferenceError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InferenceError("model_unavailable", `The files of ${id} could not be fetched: ${reason}`, {
    cause: error,
  });
}

const patiently = <T>(options: HubModelOptions, attempt: () => Promise<T>): Promise<T> =>
  retry(attempt, { ...(options.retry ?? defaultRetry), signal: options.signal });

const isMissing = (error: unknown): error is HubStatusError =>
  error instanceof HubStatusError && [401, 403, 404].includes(error.status);
