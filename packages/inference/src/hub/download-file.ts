import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type HubFile, HubStatusError } from "./hub-file.ts";
import { defaultRetry, type RetryOptions, retry } from "./retry.ts";

export interface DownloadOptions {
  file: HubFile;
  /** Where the whole file goes; it appears there only when it is complete. */
  target: string;
  /** Called with the bytes on disk, which may also go back to 0. */
  onBytes: (bytesOnDisk: number) => void;
  signal: AbortSignal;
  retry?: Omit<RetryOptions, "signal">;
  /** A connection that brings nothing for so long is given up. */
  idleTimeoutMs?: number;
}

const sha256Etag = /^[0-9a-f]{64}$/;

/**
 * Downloads a file, going on where an earlier try, or an earlier process, stopped.
 * @throws HubStatusError, the last network error, a disk error, or an error that tells of a wrong checksum
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { file, target, signal } = options;
  await mkdir(dirname(target), { recursive: true });
  // Another content has another ETag, and so another partial file: two versions never mix.
  const partial = `${target}.${createHash("sha256").update(`${file.etag} ${file.sizeBytes}`).digest("hex").slice(0, 12)}.partial`;
  const retryOptions = { ...(options.retry ?? defaultRetry), signal };

  for (let verified = false, tries = 1; !verified; tries += 1) {
    let reached = await sizeOf(partial);
    const attempt = () => appendRest(partial, options);
    let before = reached;
    await retry(
      async () => {
        before = reached;
        try {
          await attempt();
        } finally {
          reached = await sizeOf(partial);
        }
      },
      retryOptions,
      () => reached > before,
    );
    verified =
      file.etag === undefined || !sha256Etag.test(file.etag) || (await sha256Of(partial)) === file.etag;
    if (!verified) {
      await rm(partial, { force: true });
      if (tries === 2) throw new Error(`${file.url} does not have the checksum that the hub tells.`);
    }
  }
  await rename(partial, target);
}

/** Asks for what is missing of the partial file and appends it. */
async function appendRest(partial: string, options: DownloadOptions): Promise<void> {
  const { file, onBytes, signal, idleTimeoutMs = 30_000 } = options;
  const handle = await open(partial, "a");
  try {
    let written = (await handle.stat()).size;
    if (file.sizeBytes !== undefined && written > file.sizeBytes) written = await empty(handle);
    onBytes(written);
    if (written === file.sizeBytes) return;

    const idle = new AbortController();
    const timer = setTimeout(
      () => idle.abort(new Error(`${file.url} brought nothing for ${idleTimeoutMs} ms.`)),
      idleTimeoutMs,
    );
    try {
      const start = written;
      const response = await fetch(file.url, {
        headers: { "accept-encoding": "identity", ...(start > 0 && { range: `bytes=${start}-` }) },
        signal: AbortSignal.any([signal, idle.signal]),
      });
      if (!isContinuation(response, start)) written = await empty(handle);
      // The next try asks for the whole file.
      if (response.status === 416) throw new Error(`${file.url} has nothing after byte ${start}.`);
      if (!response.ok || !response.body) throw new HubStatusError(file.url, response.status);
      for await (const chunk of response.body) {
        timer.refresh();
        await handle.appendFile(chunk);
        written += chunk.byteLength;
        onBytes(written);
      }
    } finally {
      clearTimeout(timer);
    }
    if (file.sizeBytes !== undefined && written !== file.sizeBytes) {
      throw new Error(`${file.url} ended after ${written} of ${file.sizeBytes} bytes.`);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether the answer goes on at this byte; a server without ranges sends the whole file. A failure changes nothing. */
function isContinuation(response: Response, start: number): boolean {
  if (response.status === 416) return false;
  if (!response.ok || start === 0) return true;
  return (
    response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${start}-`) === true
  );
}

async function empty(handle: FileHandle): Promise<0> {
  await handle.truncate(0);
  return 0;
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
