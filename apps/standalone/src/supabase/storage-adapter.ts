import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { App } from "@supabase/lite";
import { z } from "zod";

type StorageAdapter = NonNullable<App["_storageAdapter"]>;
type UploadBody = Parameters<StorageAdapter["uploadObject"]>[3];

const detailsSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  mimetype: z.string(),
  cache_control: z.string(),
  etag: z.string(),
  size: z.number(),
  last_modified: z.string(),
});
type Details = z.infer<typeof detailsSchema>;

/** Set by the adapter for the request that it runs in: @supabase/lite makes a plain 500 of any error of an adapter. */
export const uploadTrouble = new AsyncLocalStorage<{ tooLarge: boolean }>();

/**
 * Objects as files. The one that @supabase/lite has is not exported, holds uploads in memory and writes in place; this
 * one streams to a temporary file, syncs and renames, so that an object is there whole or not at all. Files are named
 * by the hash of bucket and key: no key can leave the folder, be too long, or be another key's folder.
 */
export class FileStorage implements StorageAdapter {
  readonly driver = undefined;
  readonly #folder: string;
  readonly #maxBytes: number;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Drops what uploads left that were cut off by the end of the process. */
  async prepare(): Promise<void> {
    await rm(join(this.#folder, "incoming"), { recursive: true, force: true });
    await mkdir(join(this.#folder, "incoming"), { recursive: true, mode: 0o700 });
  }

  async uploadObject(
    bucket: string,
    key: string,
    _version: string | undefined,
    body: UploadBody,
    contentType: string,
    cacheControl: string,
  ): ReturnType<StorageAdapter["uploadObject"]> {
    const incoming = join(this.#folder, "incoming", randomUUID());
    try {
      const { size, hash } = await this.#receive(body, incoming);
      const details: Details = {
        bucket,
        key,
        mimetype: contentType,
        cache_control: cacheControl,
        etag: `"${hash}"`,
        size,
        last_modified: new Date().toISOString(),
      };
      await this.#publish(incoming, details);
      return metadata(details);
    } finally {
      await rm(incoming, { force: true });
    }
  }

  async getObject(bucket: string, key: string): ReturnType<StorageAdapter["getObject"]> {
    const details = await this.#details(bucket, key);
    const stream = createReadStream(this.#path(bucket, key));
    return { httpStatusCode: 200, metadata: metadata(details), body: Readable.toWeb(stream) };
  }

  async headObject(bucket: string, key: string): ReturnType<StorageAdapter["headObject"]> {
    return metadata(await this.#details(bucket, key));
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    await rm(this.#path(bucket, key), { force: true });
    await rm(`${this.#path(bucket, key)}.json`, { force: true });
  }

  async deleteObjects(bucket: string, keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.deleteObject(bucket, key);
    }
  }

  async copyObject(
    bucket: string,
    key: string,
    _version: string | undefined,
    toBucket: string,
    toKey: string,
  ): ReturnType<StorageAdapter["copyObject"]> {
    const details = { ...(await this.#details(bucket, key)), bucket: toBucket, key: toKey };
    const incoming = join(this.#folder, "incoming", randomUUID());
    await copyFile(this.#path(bucket, key), incoming);
    await this.#publish(incoming, details);
    return { httpStatusCode: 200, eTag: details.etag, lastModified: new Date(details.last_modified) };
  }

  privateAssetUrl(bucket: string, key: string): Promise<string> {
    return Promise.resolve(`file://${this.#path(bucket, key)}`);
  }

  async #receive(body: UploadBody, path: string): Promise<{ size: number; hash: string }> {
    const hash = createHash("md5");
    let size = 0;
    const limit = this.#maxBytes;
    const source = body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>);
    await pipeline(
      source,
      async function* count(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          size += chunk.byteLength;
          if (size > limit) {
            const trouble = uploadTrouble.getStore();
            if (trouble) {
              trouble.tooLarge = true;
            }
            throw new Error(`the object is larger than ${limit} bytes`);
          }
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(path, { mode: 0o600 }),
    );
    return { size, hash: hash.digest("hex") };
  }

  async #publish(incoming: string, details: Details): Promise<void> {
    const path = this.#path(details.bucket, details.key);
    await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
    await syncFile(incoming);
    await writeFile(`${incoming}.json`, JSON.stringify(details), { mode: 0o600, flush: true });
    await rename(`${incoming}.json`, `${path}.json`);
    await rename(incoming, path);
  }

  async #details(bucket: string, key: string): Promise<Details> {
    return detailsSchema.parse(JSON.parse(await readFile(`${this.#path(bucket, key)}.json`, "utf8")));
  }

  #path(bucket: string, key: string): string {
    const name = createHash("sha256").update(`${bucket}\0${key}`).digest("hex");
    return join(this.#folder, name.slice(0, 2), name);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function metadata(details: Details): Awaited<ReturnType<StorageAdapter["headObject"]>> {
  return {
    cacheControl: details.cache_control,
    contentLength: details.size,
    size: details.size,
    mimetype: details.mimetype,
    eTag: details.etag,
    lastModified: new Date(details.last_modified),
  };
}
