import type { Readable } from "node:stream";
import { AppError } from "@genq/contract";
import { createClient } from "@supabase/supabase-js";

/** File objects in one private bucket of Supabase Storage, under keys that the server makes. */
export interface Storage {
  /** Makes the bucket when it is not there. */
  ensureBucket(): Promise<void>;
  /** Streams an object in; the body is never whole in memory. @throws AppError storage_unavailable */
  upload(key: string, body: Readable, contentType: string): Promise<void>;
  /** @throws AppError storage_unavailable, also when the object is not there */
  download(key: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** A URL that needs no token, for `seconds`; the browser saves it under `fileName`. */
  sign(key: string, seconds: number, fileName: string): Promise<string>;
  /** Removing what is not there succeeds. */
  remove(keys: string[]): Promise<void>;
}

export interface StorageOptions {
  supabaseUrl: string;
  /** A secret key (`sb_secret_…`) or the legacy service_role key: objects are reached by the server only. */
  secretKey: string;
  bucket: string;
  /** Objects larger than this are refused by a bucket that `ensureBucket` makes. */
  maxObjectBytes?: number;
}

export function openStorage(options: StorageOptions): Storage {
  const client = createClient(options.supabaseUrl, options.secretKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: fetchWithoutCopy },
  });
  const bucket = () => client.storage.from(options.bucket);
  return {
    ensureBucket: async () => {
      const { error } = await client.storage.getBucket(options.bucket);
      if (error === null) return;
      const made = await client.storage.createBucket(options.bucket, {
        public: false,
        ...(options.maxObjectBytes === undefined ? {} : { fileSizeLimit: options.maxObjectBytes }),
      });
      // Another process may have made it in between.
      if (made.error !== null && (await client.storage.getBucket(options.bucket)).error !== null) {
        throw unavailable(made.error);
      }
    },
    upload: async (key, body, contentType) => {
      // A raw stream: supabase-js would send a Blob as multipart, which servers buffer whole.
      await answer(() => bucket().upload(key, body, { contentType, upsert: false, duplex: "half" }));
    },
    download: (key, signal) =>
      answer(() =>
        bucket()
          .download(key, {}, signal === undefined ? {} : { signal })
          .asStream(),
      ),
    sign: async (key, seconds, fileName) => {
      const { signedUrl } = await answer(() => bucket().createSignedUrl(key, seconds));
      const url = new URL(signedUrl);
      // The client's own `download` option escapes the name twice.
      url.searchParams.set("download", fileName);
      return url.href;
    },
    remove: async (keys) => {
      await answer(() => bucket().remove(keys));
    },
  };
}

/**
 * Node's fetch keeps a copy of a streamed body for the redirect that may come, so that a whole file would stay in
 * memory. It leaves that out where redirects are errors.
 */
const fetchWithoutCopy: typeof fetch = (input, init) =>
  fetch(input, init !== undefined && "duplex" in init ? { ...init, redirect: "error" } : init);

interface StorageAnswer<Data> {
  data: Data | null;
  error: unknown;
}

/** The data of a storage call. The client returns most failures and throws some: both are the same to callers. */
async function answer<Data>(call: () => PromiseLike<StorageAnswer<Data>>): Promise<Data> {
  let outcome: StorageAnswer<Data>;
  try {
    outcome = await call();
  } catch (error) {
    throw unavailable(error);
  }
  if (outcome.data === null) throw unavailable(outcome.error);
  return outcome.data;
}

function unavailable(cause: unknown): AppError {
  return new AppError(
    "storage_unavailable",
    "File storage did not do what was asked. Try again in a moment.",
    {
      cause,
      retryAfterSeconds: 5,
    },
  );
}
