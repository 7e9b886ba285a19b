import type { IncomingMessage } from "node:http";
import { AppError, type UploadFields } from "@genq/contract";
import { detectionHeadBytes, detectMediaType } from "@genq/core/documents";
import { discardObject, type FileServices, type StoredObject, storeObject } from "@genq/core/files";
import { readWebhookUrl, type WebhookServices } from "@genq/core/webhooks";
import { checkFileName } from "./file-name.ts";
import { readMultipart } from "./read-multipart.ts";
import { takeHead } from "./take-head.ts";

/** What a multipart body may have beside the file: boundaries, part headers, fields. */
const envelopeBytes = 64 * 1024;

export interface Upload {
  name: string;
  object: StoredObject;
  fields: UploadFields;
}

/**
 * Takes an upload from a request into storage: its name checked, its type told by its first bytes, and never whole in
 * memory. Nothing stays stored when it throws.
 * @throws AppError
 */
export async function receiveUpload(
  services: FileServices & WebhookServices,
  userId: string,
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Upload> {
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes + envelopeBytes) {
    throw new AppError("payload_too_large", `The file is larger than the limit of ${maxBytes} bytes.`);
  }
  const { stored, fields } = await readMultipart(incoming, {
    store: async (givenName, stream) => {
      const name = checkFileName(givenName);
      const { head, complete, body } = await takeHead(stream, detectionHeadBytes);
      const mediaType = await detectMediaType(head, { name, complete });
      return { name, object: await storeObject(services, userId, { body, mediaType, maxBytes }) };
    },
    checkFields: ({ webhook_url: url }) => void (url && readWebhookUrl(services.webhookPolicy, url)),
    discard: ({ object }) => discardObject(services, userId, object.storageKey),
  });
  return { ...stored, fields };
}
