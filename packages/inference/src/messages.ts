import type { InferenceErrorCode } from "./inference-error.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import type { PackedAnswer } from "./packed-vectors.ts";
import type {
  Batching,
  EmbedRequest,
  EmbedResult,
  GenerateRequest,
  GenerateResult,
  RequestOptions,
  RerankRequest,
} from "./types.ts";

/** What the child must know to load its model. */
export interface LoadRequest {
  type: "load";
  definition: ModelDefinition;
  /** Folder in the hub's layout. */
  folder: string;
  threads: number;
  tokensPerRun: number;
  generationRows: number;
  /** Memory for the keys and values of the texts that a generation model continues, and of those it remembers. */
  cacheBytes: number;
  prefixCacheBytes: number;
}

export type EmbedCall = { type: "embed" } & Pick<EmbedRequest, "texts" | "kind" | "dimensions" | "priority">;
export type RerankCall = { type: "rerank" } & Pick<RerankRequest, "query" | "texts" | "priority">;
type CountCall = { type: "count"; texts: string[] };
export type GenerateCall = { type: "generate" } & Omit<GenerateRequest, keyof RequestOptions | "model">;
export type Call = EmbedCall | RerankCall | CountCall | GenerateCall;

/** The answer to each type of call. */
export interface CallResults {
  embed: Omit<EmbedResult, "model" | "dimensions">;
  /** One entry per text, in the order of the request. */
  rerank: { scores: number[]; tokens: number[]; truncatedTokens: number[] };
  count: number[];
  generate: Omit<GenerateResult, "model">;
}

/** The same on its way. */
export type SentResult = Exclude<CallResults[Call["type"]], CallResults["embed"]> | PackedAnswer;

/** Parent to child. `id` numbers the calls of one child. */
export type ParentMessage =
  | LoadRequest
  | { type: "call"; id: number; call: Call }
  | { type: "cancel"; id: number };

/** Child to parent. */
export type ChildMessage =
  | { type: "ready"; batching?: Batching | undefined }
  | { type: "load_failed"; message: string }
  | { type: "text"; id: number; delta: string }
  | { type: "result"; id: number; result: SentResult }
  | { type: "error"; id: number; code: InferenceErrorCode; message: string };
