import { StringDecoder } from "node:string_decoder";
import { z } from "zod";

const maxLineLength = 100_000;

/** Cuts output into lines. A line without an end does not grow for ever. */
export class LineReader {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-maxLineLength);
    for (const line of lines) {
      this.#onLine(line);
    }
  }
}

const progressSchema = z.object({
  event: z.literal("model_progress"),
  model: z.string(),
  state: z.string(),
  loaded_bytes: z.number().optional(),
  total_bytes: z.number().optional(),
  bytes_per_second: z.number().optional(),
  error: z.string().optional(),
});
export type ModelProgress = z.infer<typeof progressSchema>;

const pinoSchema = z.object({
  level: z.number(),
  msg: z.string().optional(),
  err: z.looseObject({ message: z.string() }).optional(),
});

const pinoWarning = 40;

export type LogEvent =
  | { readonly kind: "progress"; readonly progress: ModelProgress }
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "other" };

/** What a line of the api's or the worker's log (pino's JSON) means for the person at the screen. */
export function readLogLine(line: string): LogEvent {
  if (!line.startsWith("{")) {
    return { kind: "other" };
  }
  let value: unknown;
  try {
    // What is not known is null there: it is left out.
    value = JSON.parse(line, (_key, member: unknown) => member ?? undefined);
  } catch {
    return { kind: "other" };
  }
  const progress = progressSchema.safeParse(value);
  if (progress.success) {
    return { kind: "progress", progress: progress.data };
  }
  const entry = pinoSchema.safeParse(value);
  if (entry.success && entry.data.level >= pinoWarning) {
    const parts = [entry.data.msg, entry.data.err?.message].filter(
      (part) => part !== undefined && part !== "",
    );
    return { kind: "warning", text: [...new Set(parts)].join(": ") };
  }
  return { kind: "other" };
}
