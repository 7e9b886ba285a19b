import { z } from "zod";
import { problemSchema } from "./problems.ts";
import { pageQuerySchema, pageSchema, timestampSchema, uuidSchema } from "./scalars.ts";
import { webhookUrlSchema } from "./task-webhook.ts";

export const fileNameLimit = 255;

export const mediaTypes = [
  "application/pdf",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "text/plain",
  "text/markdown",
  "text/html",
  "text/csv",
  "application/json",
] as const;
export type MediaType = (typeof mediaTypes)[number];

/** `partial`: searchable, but some pages could not be read (`failed_pages`). */
export const fileStatuses = [
  "waiting",
  "parsing",
  "chunking",
  "embedding",
  "ready",
  "partial",
  "failed",
] as const;
export type FileStatus = (typeof fileStatuses)[number];

/** Which files a search looks into. */
export const searchableFileStatuses = ["ready", "partial"] as const satisfies FileStatus[];

export const fileSchema = z
  .object({
    id: uuidSchema,
    name: z.string(),
    chat_id: z.string().nullable(),
    media_type: z.enum(mediaTypes),
    size_bytes: z.int(),
    sha256: z.string(),
    status: z.enum(fileStatuses),
    pages: z.object({ done: z.int(), total: z.int().nullable(), failed: z.array(z.int()) }),
    chunks: z.object({ done: z.int(), total: z.int().nullable() }),
    embedding_model: z.string().nullable(),
    problem: problemSchema.nullable(),
    task_id: uuidSchema.nullable().meta({ description: "The task that ingests the file" }),
    created_at: timestampSchema,
    updated_at: timestampSchema,
  })
  .meta({ id: "File" });
export type File = z.infer<typeof fileSchema>;

const chatIdSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w.:-]+$/, "may hold letters, digits and _ . : -");

export const filePageSchema = pageSchema(fileSchema).meta({ id: "FilePage" });
export const listFilesQuerySchema = pageQuerySchema.extend({
  chat_id: chatIdSchema.optional(),
  status: z.enum(fileStatuses).optional(),
});
export type ListFilesQuery = z.infer<typeof listFilesQuerySchema>;

/** The text fields of `POST /upload`, beside the part `file` (or `uploadFile`). */
export const uploadFieldsSchema = z.object({
  chat_id: chatIdSchema.optional(),
  replace: z
    .enum(["true", "false", "1", "0"])
    .transform((value) => value === "true" || value === "1")
    .optional(),
  webhook_url: webhookUrlSchema.optional(),
});
export type UploadFields = z.infer<typeof uploadFieldsSchema>;

/** Answer of `GET /files/{id}/content`. */
export const fileContentSchema = z
  .object({
    url: z.string().meta({ description: "Signed, and valid for a short time only" }),
    expires_at: timestampSchema,
  })
  .meta({ id: "FileContent" });
export type FileContent = z.infer<typeof fileContentSchema>;
