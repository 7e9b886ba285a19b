import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { AppError } from "@genq/contract";
import { openDocument } from "../readers/open-document.ts";
import { type ParseReply, type ParseRequest, parseRequestSchema } from "./protocol.ts";
import { streamParts } from "./stream-parts.ts";

/** The process in which one document is read. It starts with "open" and ends after "done" or "problem". */
const parentId = process.ppid;
let allowed = 0;
let wake = Promise.withResolvers<void>();

function send(reply: ParseReply): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(reply, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

/** Waits until the parent has asked for one more part. */
async function waitForDemand(): Promise<void> {
  while (allowed === 0) await wake.promise;
  allowed--;
}

async function serve(request: Extract<ParseRequest, { type: "open" }>): Promise<void> {
  const { limits, mediaType, firstPart } = request;
  new Worker(new URL("./guard.ts", import.meta.url), {
    workerData: { parentId, maxMemoryBytes: limits.maxMemoryBytes },
  }).unref();
  try {
    const bytes = new Uint8Array(await readFile(request.path));
    const onProgress = () => void process.send?.({ type: "busy" } satisfies ParseReply);
    const reader = await openDocument(bytes, mediaType, { limits, onProgress });
    for await (const part of streamParts(reader, { firstPart, limits })) {
      await waitForDemand();
      await send({ type: "part", part });
    }
    await send({ type: "done" });
  } catch (error) {
    await send({ type: "problem", ...describe(error) });
  }
  process.disconnect();
}

function describe(error: unknown): { code: AppError["code"]; detail: string } {
  if (error instanceof AppError) return { code: error.code, detail: error.message };
  if (error instanceof RangeError)
    return { code: "document_corrupt", detail: "The document is nested too deep to be read." };
  return {
    code: "document_corrupt",
    detail: "The document can't be read: it is damaged in a way that stops the parser.",
  };
}

process.on("disconnect", () => process.exit());
process.on("message", (message) => {
  const request = parseRequestSchema.parse(message);
  if (request.type === "more") {
    allowed += request.count;
    wake.resolve();
    wake = Promise.withResolvers();
  }
});

const [first] = await once(process, "message");
const request = parseRequestSchema.parse(first);
if (request.type === "open") await serve(request);
