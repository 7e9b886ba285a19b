export { chunkParts } from "./chunk-parts.ts";
export { type DetectionHint, detectionHeadBytes, detectMediaType } from "./media-type.ts";
export { parseDocument } from "./parse-document.ts";
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
