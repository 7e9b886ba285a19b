import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { AppError, type UploadFields, uploadFieldsSchema } from "@genq/contract";
import { assertPlain } from "../http/limit-body.ts";
import { invalidRequest } from "../http/validation.ts";

const fileParts = ["file", "uploadFile"];

export interface ReceivedUpload<Stored> {
  fields: UploadFields;
  stored: Stored;
}

export interface ReadMultipartOptions<Stored> {
  /** Refuses the fields by throwing. */
  checkFields: (fields: UploadFields) => void;
  /** Takes the file's bytes as they come. Called once at most. */
  store: (name: string | undefined, body: Readable) => Promise<Stored>;
  /** Lets go of what was stored when the rest of the body was not valid. */
  discard: (stored: Stored) => Promise<void>;
}

/**
 * Reads a `multipart/form-data` body with one file part, whose bytes go to `store` while they come in; fields may
 * stand before and after it. What is not read stays on the request.
 * @throws AppError malformed_multipart, invalid_request, unsupported_media_type, and what `store` throws
 */
export async function readMultipart<Stored>(
  incoming: IncomingMessage,
  options: ReadMultipartOptions<Stored>,
): Promise<ReceivedUpload<Stored>> {
  const parser = openParser(incoming);
  const fields = new Map<string, string>();
  let storing: Promise<Stored> | undefined;
  let part: Readable | undefined;

  const parsed = new Promise<void>((resolve, reject) => {
    const refuse = (detail: string) => reject(malformed(detail));
    parser.on("file", (field, stream, name: string | undefined) => {
      stream.on("error", () => refuse("The body is not well-formed, or ends too early."));
      if (!fileParts.includes(field)) {
        return refuse('A file must be in the part "file" (or "uploadFile").');
      }
      if (storing !== undefined) return refuse("Send one file in a request.");
      part = stream;
      storing = options.store(name, stream);
      storing.catch(reject);
    });
    parser.on("field", (name, value, _nameTruncated, valueTruncated) => {
      if (fileParts.includes(name)) return refuse(`The part "${name}" has no filename, so it is no file.`);
      if (valueTruncated) return refuse("A field is too long.");
      if (fields.has(name)) return refuse("A field was sent twice.");
      fields.set(name, value);
    });
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"]) {
      parser.on(limit, () => refuse("The body has too many parts."));
    }
    parser.on("error", () => refuse("The body is not well-formed, or ends too early."));
    parser.on("finish", resolve);
    incoming.once("close", () => {
      // A body that came whole closes too, while its file is still on the way to storage.
      if (!incoming.complete) refuse("The connection ended before the body did.");
    });
    incoming.pipe(parser);
  });

  try {
    await parsed;
    if (storing === undefined) {
      throw malformed('The body has no file. Send one in the part "file".');
    }
    const parsedFields = parseFields(fields);
    options.checkFields(parsedFields);
    return { fields: parsedFields, stored: await storing };
  } catch (error) {
    incoming.unpipe(parser);
    part?.destroy(error instanceof Error ? error : undefined);
    // The object is let go when it was stored; when it was not, `store` has seen to it and told why.
    await storing?.then(options.discard, () => undefined);
    throw error;
  }
}

function openParser(incoming: IncomingMessage): BusboyInstance {
  const contentType = incoming.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(contentType)) {
    throw new AppError("unsupported_media_type", 'Send the file as multipart/form-data, in the part "file".');
  }
  assertPlain(incoming.headers["content-encoding"]);
  try {
    return new Busboy({
      headers: { ...incoming.headers, "content-type": contentType },
      // The whole name is wanted, so that one with a path in it is refused and not cut.
      preservePath: true,
      limits: {
        files: 2,
        fields: 20,
        parts: 22,
        fieldNameSize: 100,
        fieldSize: 4096,
        headerPairs: 50,
        headerSize: 8192,
      },
    });
  } catch (error) {
    throw malformed("The Content-Type names no boundary.", error);
  }
}

function malformed(detail: string, cause?: unknown): AppError {
  return new AppError("malformed_multipart", detail, { cause });
}

function parseFields(fields: Map<string, string>): UploadFields {
  const parsed = uploadFieldsSchema.safeParse(Object.fromEntries(fields));
  if (!parsed.success) throw invalidRequest(parsed.error, "");
  return parsed.data;
}
