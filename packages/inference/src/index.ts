export { createInference } from "./create-inference.ts";
export { InferenceError, type InferenceErrorCode } from "./inference-error.ts";
export type {
  ChatMessage,
  DownloadProgress,
  EmbedRequest,
  EmbedResult,
  GenerateRequest,
  GenerateResult,
  Inference,
  InferenceLimits,
  InferenceOptions,
  ModelRecord,
  ModelSource,
  ModelStatus,
  ModelTask,
  Pooling,
  RerankedText,
  RerankRequest,
  RerankResult,
  SamplingSettings,
  TokenLogprob,
  TokenLogprobs,
} from "./types.ts";
