export type {
  Chunk,
  ChunkedPart,
  ChunkOptions,
  DocumentPart,
  FailedPart,
  ParseDocumentOptions,
  ParseLimits,
  PartPosition,
  TextPart,
} from "./types.ts";

// detectMediaType(head: Uint8Array, hint: { name?: string; complete: boolean }): Promise<MediaType>
// parseDocument(options: ParseDocumentOptions): AsyncGenerator<DocumentPart>
// chunkParts(parts: AsyncIterable<DocumentPart>, options: ChunkOptions): AsyncGenerator<ChunkedPart | FailedPart>
// All throw AppError with a document_* code or unsupported_media_type.
