import { devicesOf, thisMachine, whatIsMissing } from "../devices.ts";
import { describeFiles, dtypesOnHub, readHubConfig, unfetched } from "../hub/describe-model.ts";
import { optionalFiles, requiredFiles } from "../hub/model-file-list.ts";
import { InferenceError } from "../inference-error.ts";
import { defaultMaxRss } from "../memory-limit.ts";
import { devices, type ModelRecord } from "../types.ts";
import { type Context, definitionOf } from "./context.ts";
import { draftRecord } from "./draft-record.ts";
import { modelOnDisk } from "./model-on-disk.ts";
import { formatBytes, table } from "./screen.ts";

/** How long the hub may take to answer: what is here is told without it. */
const hubTimeoutMs = 10_000;
const noRetry = { maxFailures: 1, firstDelayMs: 0, maxDelayMs: 0 };

interface OnHub {
  /** What is still to come, or all when nothing is here. */
  files: { path: string; bytes: number | null; sha256: string | null }[];
  dtypes: string[];
}

/** A model's record, its files here and at the hub, and where it can run. */
export async function info(context: Context): Promise<object> {
  const { name, known, cacheDir, screen } = context;
  if (!known.some(({ record }) => record.id === name) && name.includes("/"))
    return await draftRecord(context);
  const { record } = definitionOf(context);
  const disk = await modelOnDisk(record, cacheDir);
  const hub = disk.state === "bundled" ? undefined : await askHub(context, record);
  const machine = thisMachine();
  const isHere = disk.state === "here" || disk.state === "bundled";
  const maxRssBytes = isHere ? await defaultMaxRss(record, disk.folder) : undefined;

  const { id, description, ...fields } = record;
  screen.say(`${id}\n${description}\n`);
  const rows = Object.entries(fields).map(([field, value]) => [field, String(value)]);
  screen.say(table([...rows, ["state", disk.state], ["folder", disk.folder]]));
  screen.say(`\nFiles here${disk.files.length === 0 ? ": none" : ""}`);
  if (disk.files.length > 0)
    screen.say(table(disk.files.map(({ path, bytes }) => [`  ${path}`, formatBytes(bytes)])));
  if (hub) sayHub(context, hub);
  if (maxRssBytes !== undefined)
    screen.say(
      `\nMemory: a process that takes more than ${formatBytes(maxRssBytes)} is ended, unless MODEL_MAX_RSS_MB says else.`,
    );
  screen.say("\nDevices on this machine");
  const missing = devices.map((device) => [device, whatIsMissing(device, machine)] as const);
  screen.say(
    table(
      missing.map(([device, what]) => [`  ${device}`, what === undefined ? "can be had" : `no: ${what}`]),
    ),
  );
  return {
    ...record,
    state: disk.state,
    folder: disk.folder,
    files: disk.files,
    hub: hub ?? null,
    max_rss_bytes: maxRssBytes ?? null,
    devices: devicesOf(machine),
  };
}

async function askHub(
  { hubEndpoint, signal }: Context,
  record: ModelRecord,
): Promise<OnHub | { error: string }> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(hubTimeoutMs)]);
  const options = { record, hubEndpoint, signal: timeout, retry: noRetry };
  try {
    const config: unknown = JSON.parse(await readHubConfig(options));
    const files = await describeFiles(options, [...optionalFiles, ...requiredFiles(record, config)]);
    const dtypes = await dtypesOnHub(options);
    return {
      dtypes,
      files: files.map(({ path, sizeBytes = null, etag = "" }) => {
        return { path, bytes: sizeBytes, sha256: /^[0-9a-f]{64}$/.test(etag) ? etag : null };
      }),
    };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof InferenceError) return { error: error.message };
    return { error: unfetched(record.id, error).message };
  }
}

function sayHub({ hubEndpoint, screen }: Context, hub: OnHub | { error: string }): void {
  if ("error" in hub) {
    screen.say(`\nAt ${hubEndpoint}: ${hub.error}`);
    return;
  }
  screen.say(`\nFiles at ${hubEndpoint} (dtypes there: ${hub.dtypes.join(", ")})`);
  const rows = hub.files.map(({ path, bytes, sha256 }) => {
    return [
      `  ${path}`,
      bytes === null ? "?" : formatBytes(bytes),
      sha256 === null ? "" : `sha256 ${sha256}`,
    ];
  });
  screen.say(table(rows));
}
