import { mediaTypes, problemCodes } from "@genq/contract";
import { z } from "zod";

const position = { part: z.int(), parts: z.int(), page: z.int().nullable() };
const textPart = z.object({ kind: z.literal("text"), ...position, text: z.string(), charOffset: z.int() });
const failedPart = z.object({ kind: z.literal("failed"), ...position, detail: z.string() });

/** What the parent asks of the child: to open the document, then for `count` more parts, again and again. */
export const parseRequestSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("open"),
    path: z.string(),
    mediaType: z.enum(mediaTypes),
    firstPart: z.int(),
    limits: z.object({
      maxPages: z.number(),
      maxCharacters: z.number(),
      maxInflatedBytes: z.number(),
      maxHeapBytes: z.number(),
      maxMemoryBytes: z.number(),
      partTimeoutMs: z.number(),
      timeoutMs: z.number(),
    }),
  }),
  z.object({ type: z.literal("more"), count: z.int() }),
]);
export type ParseRequest = z.infer<typeof parseRequestSchema>;

/** What the child tells. It comes from a process that read hostile bytes, so it is parsed. */
export const parseReplySchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("busy") }),
  z.object({ type: z.literal("part"), part: z.discriminatedUnion("kind", [textPart, failedPart]) }),
  z.object({ type: z.literal("done") }),
  z.object({ type: z.literal("problem"), code: z.enum(problemCodes), detail: z.string() }),
]);
export type ParseReply = z.infer<typeof parseReplySchema>;

/** The signal by which the child ends itself when it takes more memory than it may. */
export const overMemorySignal = "SIGUSR2";
