import { setMaxListeners } from "node:events";
import { AppError, type FileStatus } from "@genq/contract";
import {
  countChunks,
  finishReplacement,
  type NewChunk,
  updateFileProgress,
  upsertChunks,
  writeProgress,
} from "@genq/core/db";
import { chunkParts, parseDocument } from "@genq/core/documents";
import { type Inference, InferenceError } from "@genq/inference";
import { type Batch, batchParts } from "../ingestion/batch-parts.ts";
import { beginIngestion, type Ingestion } from "../ingestion/begin-ingestion.ts";
import { downloadObject } from "../ingestion/download-object.ts";
import { mapAhead } from "../ingestion/map-ahead.ts";
import { createPace } from "../ingestion/pace.ts";
import type { Services } from "../services.ts";
import type { Handler, Run } from "./handler.ts";

const batchMaxMs = 1000;
/** Batches that are embedded at once; one more is being stored. */
const embeddingsAhead = 2;
/** What a passage's prefix takes of the model's input, where the record does not say how long passages had best be. */
const prefixTokens = 32;

export const ingest: Handler<"ingest"> = async (services, run, { file_id: fileId }) => {
  const { id: model } = services.inference.records().embedding;
  const ingestion = await beginIngestion(run, fileId, model);
  const end = await storeDocument(services, run, ingestion, model);
  const { chunks, tokens } = await run.write((sql) => countChunks(sql, run.userId, fileId));
  if (chunks === 0) throw new AppError("document_no_text", "The document has no text in it.");
  const status = end.failedParts.length > 0 ? "partial" : "ready";
  return {
    result: {
      file_id: fileId,
      status,
      pages: end.parts,
      failed_pages: end.failedParts,
      chunks,
      tokens,
      model,
    },
    commit: async (sql) => {
      await updateFileProgress(sql, run.userId, fileId, {
        status,
        pagesDone: end.parts,
        pagesTotal: end.parts,
        failedPages: end.failedParts,
        chunksDone: chunks,
        chunksTotal: chunks,
      });
      await finishReplacement(sql, run.userId, fileId);
    },
  };
};

interface Position {
  parts: number;
  failedParts: number[];
}

/** Reads, cuts, embeds and stores what is missing of a document, all at the same time. */
async function storeDocument(
  { inference, storage }: Services,
  run: Run,
  ingestion: Ingestion,
  model: string,
): Promise<Position> {
  const { file, storageKey, partsDone, chunksDone } = ingestion;
  // Every part, batch and call listens to the run's end.
  setMaxListeners(0, run.signal);
  await using copy = await downloadObject(
    storage,
    { key: storageKey, sizeBytes: file.size_bytes },
    run.signal,
  );
  const record = inference.records().embedding;
  const pace = createPace();
  const parts = chunkParts(
    parseDocument({
      path: copy.path,
      mediaType: file.media_type,
      firstPart: partsDone + 1,
      signal: run.signal,
    }),
    {
      maxTokens: record.chunkTokens ?? record.maxTokens - prefixTokens,
      firstOrdinal: chunksDone,
      countTokens: (texts) => inference.countTokens(texts),
    },
  );
  const chunked = announced(parts, (part) => enter(run, file.id, "chunking", part.parts));
  const batches = announced(batchParts(chunked, { size: pace.size, maxMs: batchMaxMs }), (batch) =>
    enter(run, file.id, "embedding", batch.parts),
  );
  const end = {
    parts: file.pages.total ?? partsDone,
    failedParts: [...ingestion.failedParts],
    chunks: chunksDone,
  };
  for await (const { batch, chunks } of mapAhead(batches, embeddingsAhead, (batch) =>
    embedBatch(inference, batch),
  )) {
    end.parts = batch.parts;
    end.failedParts.push(...batch.failedParts);
    end.chunks += chunks.length;
    await run.write(async (sql) => {
      await upsertChunks(sql, { userId: run.userId, fileId: file.id, model }, chunks);
      await updateFileProgress(sql, run.userId, file.id, {
        status: "embedding",
        pagesDone: batch.part,
        pagesTotal: batch.parts,
        failedPages: end.failedParts,
        chunksDone: end.chunks,
      });
      const progress = { stage: "embedding", done: batch.part, total: batch.parts, unit: "pages" } as const;
      await writeProgress(sql, run.claim, progress);
    });
    pace.stored(chunks.length);
  }
  return end;
}

/** Passes a stream on, and tells of its first item before. */
async function* announced<Item>(
  source: AsyncIterable<Item>,
  announce: (first: Item) => Promise<void>,
): AsyncGenerator<Item> {
  let first = true;
  for await (const item of source) {
    if (first) await announce(item);
    first = false;
    yield item;
  }
}

function enter(run: Run, fileId: string, status: FileStatus, pagesTotal: number): Promise<void> {
  return run.write((sql) => updateFileProgress(sql, run.userId, fileId, { status, pagesTotal }));
}

async function embedBatch(inference: Inference, batch: Batch): Promise<{ batch: Batch; chunks: NewChunk[] }> {
  const { vectors } = await inference.embed({
    texts: batch.chunks.map(({ text }) => text),
    kind: "passage",
    priority: "bulk",
  });
  const chunks = batch.chunks.map((chunk, index) => {
    const vector = vectors[index];
    if (vector === undefined) throw new InferenceError("model_crashed", "The model gave too few vectors.");
    return { ...chunk, vector };
  });
  return { batch, chunks };
}
