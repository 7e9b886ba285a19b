import { type TaskWebhook, type UploadResult, uploadResultSchema } from "@genq/contract";
import { frameMultipart, type MultipartFrame, streamMultipart } from "./multipart.ts";
import { parseAnswer } from "./parse-answer.ts";
import { findProgressRequest, sendWithProgress } from "./send-with-progress.ts";
import type { ApiRequest, Transport } from "./transport.ts";

/** A Blob or File can be sent again when the connection breaks; a stream can't. */
export type UploadSource = Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

export interface UploadOptions {
  /** The name that the file has for the user. Default: the name of a `File`. */
  name?: string;
  chatId?: string;
  /** Put this file in the place of one with the same name. */
  replace?: boolean;
  /** Told when the file's ingestion has ended; see `webhooks.rotateTaskSecret`. */
  webhook?: TaskWebhook;
  /** Size of a stream's content, for `onProgress` only. */
  sizeBytes?: number;
  /** Hears how much of the file has been handed to the network. */
  onProgress?: (progress: { sentBytes: number; totalBytes: number | null }) => void;
  signal?: AbortSignal;
  /** Default: a new one for each call. */
  idempotencyKey?: string;
}

/**
 * Sends a file; the answer names the file and the task that ingests it.
 * @throws GenqError file_name_taken, payload_too_large, unsupported_media_type, document_empty …
 */
export async function uploadFile(
  transport: Transport,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const content =
    source instanceof Uint8Array ? new Blob([source], { type: "application/octet-stream" }) : source;
  const name = options.name ?? (content instanceof File ? content.name : undefined);
  if (name === undefined) throw new TypeError("upload() needs a name for a source that is not a File.");
  const type = (content instanceof Blob ? content.type : "") || "application/octet-stream";
  const fields = {
    chat_id: options.chatId,
    replace: options.replace === undefined ? undefined : String(options.replace),
    webhook_url: options.webhook?.url,
  };
  const frame = frameMultipart(fields, { name, type });
  const answer = await transport.send({
    method: "POST",
    path: "/upload",
    headers: {
      "content-type": frame.contentType,
      "idempotency-key": options.idempotencyKey ?? crypto.randomUUID(),
    },
    body:
      content instanceof Blob
        ? blobBody(transport, frame, content, options)
        : streamBody(frame, content, options),
    repeatable: content instanceof Blob,
    timeoutMs: 0,
    signal: options.signal,
  });
  return parseAnswer(answer, uploadResultSchema);
}

type MakeBody = NonNullable<ApiRequest["body"]>;

/**
 * Browsers stream a request over HTTP/2 only, if at all, and tell of progress by XMLHttpRequest; Node has no
 * XMLHttpRequest and streams. Without `onProgress` a Blob is sent as it is, with a Content-Length.
 */
function blobBody(
  transport: Transport,
  frame: MultipartFrame,
  file: Blob,
  { onProgress }: UploadOptions,
): MakeBody {
  const framed = () => new Blob([frame.head, file, frame.tail]);
  if (onProgress === undefined) return () => ({ init: { body: framed() } });
  const totalBytes = file.size;
  const report = (sentBytes: number) => onProgress({ sentBytes, totalBytes });
  const Request = transport.usesPlatformFetch ? findProgressRequest() : undefined;
  if (Request !== undefined) {
    return () => ({
      init: {},
      send: sendWithProgress(Request, framed(), (loaded) =>
        report(Math.min(totalBytes, Math.max(0, loaded - frame.head.length))),
      ),
    });
  }
  return (signal) => ({
    init: { body: streamMultipart(frame, file.stream(), { onBytes: report, signal }), duplex: "half" },
  });
}

function streamBody(
  frame: MultipartFrame,
  file: ReadableStream<Uint8Array>,
  { onProgress, sizeBytes }: UploadOptions,
): MakeBody {
  const totalBytes = sizeBytes ?? null;
  const onBytes = (sentBytes: number) => onProgress?.({ sentBytes, totalBytes });
  return (signal) => ({
    init: { body: streamMultipart(frame, file, { onBytes, signal }), duplex: "half" },
  });
}
