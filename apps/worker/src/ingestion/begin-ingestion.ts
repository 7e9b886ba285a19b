import { AppError, type File } from "@genq/contract";
import { countChunks, deleteChunks, selectFile, updateFileProgress } from "@genq/core/db";
import type { Run } from "../handlers/handler.ts";

export interface Ingestion {
  file: File;
  storageKey: string;
  /** Parts, and chunks of them, that earlier attempts stored: the work goes on after them. */
  partsDone: number;
  chunksDone: number;
  failedParts: number[];
}

/**
 * Finds where an ingestion goes on. Chunks and the count of pages done are always stored together; where they don't
 * fit, or the vectors are of another model, all is forgotten and begins anew.
 * @throws AppError not_found, ClaimLostError
 */
export function beginIngestion(run: Run, fileId: string, model: string): Promise<Ingestion> {
  return run.write(async (sql) => {
    const row = await selectFile(sql, run.userId, fileId);
    if (row === undefined) throw new AppError("not_found", "The file was deleted.");
    const { file, storageKey } = row;
    const { chunks } = await countChunks(sql, run.userId, fileId);
    const resumes = file.embedding_model === model && file.chunks.done === chunks;
    if (!resumes) await deleteChunks(sql, run.userId, fileId);
    const begun: Ingestion = resumes
      ? { file, storageKey, partsDone: file.pages.done, chunksDone: chunks, failedParts: file.pages.failed }
      : { file, storageKey, partsDone: 0, chunksDone: 0, failedParts: [] };
    await updateFileProgress(sql, run.userId, fileId, {
      status: "parsing",
      pagesDone: begun.partsDone,
      failedPages: begun.failedParts,
      chunksDone: begun.chunksDone,
      chunksTotal: null,
      embeddingModel: model,
    });
    return begun;
  });
}
