/** What a model is for. */
export type ModelTask = "embedding" | "generation" | "reranking";

/** Where a model's files come from: this package, or a model hub. */
export type ModelSource = "bundled" | "hub";

export const devices = ["cpu", "cuda", "webgpu", "coreml", "dml"] as const;

/** What a model runs on, as ONNX Runtime names it. */
export type Device = (typeof devices)[number];

/** How a row of token vectors becomes one vector. */
export type Pooling = "mean" | "cls" | "last_token";

/** Everything that makes a model's answers what they are. Vectors carry it: a search never mixes models. */
export interface ModelRecord {
  id: string;
  task: ModelTask;
  /** Commit, tag or branch on the hub. */
  revision: string;
  dtype: string;
  source: ModelSource;
  /** The CPU unless said. */
  device?: Device;
  /** SPDX name, as the model's page tells it. */
  license?: string;
  /** Length of a vector. Embedding models only, as are the next five and `chunkTokens`. */
  dimensions?: number;
  /** Shorter lengths that its vectors may be cut to, for it was trained so (Matryoshka). */
  shorterDimensions?: readonly number[];
  pooling?: Pooling;
  /** Put before a text that asks. */
  queryPrefix?: string;
  /** Put before a text that may answer. */
  passagePrefix?: string;
  /** Whether vectors have length 1. */
  normalize?: boolean;
  /** Longest input in tokens, prefix and special tokens included; for generation, prompt and answer together. */
  maxTokens: number;
  /** How many tokens a passage had best have, its prefix not counted. */
  chunkTokens?: number;
  /** Names the passage that each sentence of its answer rests on, as `[n]`: an answer without a number rests on none. */
  citesAlways?: boolean;
  description: string;
}

/** How far a download is. */
export interface DownloadProgress {
  loadedBytes: number;
  totalBytes: number;
  bytesPerSecond: number;
}

/** Whether a generation model continues several texts at once, or its graph, dtype or device allows only one. */
export type Batching = "continuous" | "one_row";

/** What a model is doing. */
export interface ModelStatus {
  id: string;
  task: ModelTask;
  /** `unloaded`: it made room for another, and is loaded again when it is asked for. */
  state: "idle" | "downloading" | "loading" | "ready" | "unloaded" | "failed";
  source: ModelSource;
  /** Loaded at the start and never unloaded for another's sake. */
  pinned: boolean;
  /** What its process takes now, in bytes. */
  residentBytes?: number | undefined;
  /** By `Date.now()`, when its last request ended. */
  lastUsedAt?: number | undefined;
  /** Present while downloading. */
  progress?: DownloadProgress;
  /** Present when failed. */
  error?: string;
  /** Present once a generation model was ready. */
  batching?: Batching | undefined;
}

/** Bounds, all with defaults (see `limits.ts`). */
export interface InferenceLimits {
  /** Threads of one model. */
  threads: number;
  /** Processes of one thread each that a hub's embedding model has for bulk work. As the machine allows unless given. */
  bulkProcesses: number | undefined;
  /** Requests waiting or running per model; more are refused as `overloaded`. */
  maxQueuedRequests: number;
  /** Texts in one embed request, and characters in one text; more are `invalid_input`. */
  maxTextsPerRequest: number;
  maxTextCharacters: number;
  /** Tokens per run of an embedding or reranking model, padding included. As tuned, or 512, unless given. */
  tokensPerRun: number | undefined;
  /** Texts that a generation model continues at once, where its graph allows that and their keys and values fit. */
  generationRows: number;
  /** Memory for keys and values that a later prompt may begin with, in bytes; an eighth of `maxRssBytes` at most. */
  prefixCacheBytes: number;
  /** How long a child may be silent (stopped, or starved of the processor) before it is killed. */
  silenceMs: number;
  /** How long a child may be at one piece of work before it is killed, and how much longer for each token of a model run. */
  stepDeadlineMs: number;
  tokenDeadlineMs: number;
  /** How long a child may be at one request, whatever its progress. */
  requestDeadlineMs: number;
  /** Resident memory of a child, in bytes, before it is killed. By the model and the machine unless given. */
  maxRssBytes: number | undefined;
  /** After so many requests a fresh process takes over. */
  recycleAfterRequests: number;
  /** As well as when it has grown so much since it was loaded, in bytes. Most of what `maxRssBytes` leaves unless given. */
  recycleGrowthBytes: number | undefined;
  /** But not sooner: a model that needs much memory at once is not loaded again for each such request. */
  recycleMinLifeMs: number;
  /** Reading the model's files into memory, before the child is killed. */
  loadDeadlineMs: number;
  /** How long an aborted request may keep running before the child is killed, if it runs nothing else. */
  abortGraceMs: number;
}

export interface InferenceOptions {
  /** Ids of the models that answer unless a request names another. They are loaded by `load()` and stay. */
  models: { embedding: string; generation: string; reranking?: string | undefined };
  /** Folder for downloaded models; made when missing. */
  cacheDir: string;
  /** Base URL of the hub or a mirror, such as `https://huggingface.co`. */
  hubEndpoint: string;
  /** Where all models run; as each one's record says unless given. */
  device?: Device | undefined;
  /** System prompts of the operator's own: what they make of a prompt is computed once for all users. */
  sharedPrompts?: readonly string[];
  /** Called at every change of a model's status, and at most every 250 ms during a download. */
  onStatus?: (status: ModelStatus) => void;
  limits?: Partial<InferenceLimits>;
  /** What all models' processes may take together, in bytes: 80 % of the machine or container unless given. */
  memoryBudgetBytes?: number | undefined;
  /** What the models' processes run: the package's own program but in tests. */
  childMain?: URL;
}

/** How any request is ended early, and whether it has the model's process to itself. */
export interface RequestOptions {
  /** Ends the request at once; the model is free again within `abortGraceMs` or so, if need be in another process. */
  signal?: AbortSignal | undefined;
  /** Runs while nothing else does in that process, so that what it does to it is its own doing. Others wait. */
  alone?: boolean | undefined;
}

export interface EmbedRequest extends RequestOptions {
  /** Id of another model than the configured one. */
  model?: string | undefined;
  texts: string[];
  /** Picks the model's prefix. */
  kind: "query" | "passage";
  /** Length of the vectors, one that the model's record allows; its own unless given. Vectors of two lengths are never compared. */
  dimensions?: number | undefined;
  /** Interactive requests overtake bulk ones. */
  priority: "interactive" | "bulk";
}

/** One entry per text, in the order of the request. */
export interface EmbedResult {
  model: string;
  dimensions: number;
  vectors: Float32Array[];
  /** Tokens that the model saw, prefix and special tokens included. */
  tokens: number[];
  /** Tokens that did not fit and were cut off the end. */
  truncatedTokens: number[];
}

export interface RerankRequest extends RequestOptions {
  /** A reranking model of the catalog; the configured one unless given. */
  model?: string | undefined;
  query: string;
  texts: string[];
  /** How many of the best are wanted; all unless said. */
  topK?: number | undefined;
  /** Interactive requests overtake bulk ones. */
  priority: "interactive" | "bulk";
}

/** How well a text answers the query. */
export interface RerankedText {
  /** Place of the text in the request. */
  index: number;
  /** 0 to 1, by the model's own measure: scores of two models are never compared. */
  score: number;
  /** Tokens that the model saw, the query's and special tokens included. */
  tokens: number;
  /** Tokens of the query and of the text that did not fit and were cut off their ends. */
  truncatedTokens: number;
}

export interface RerankResult {
  model: string;
  /** Best first. */
  results: RerankedText[];
}

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

/** How each next token is picked. What is left out has no effect. Out of range is `invalid_input`. */
export interface SamplingSettings {
  /** 0 to 100. 0 always takes the likeliest token. */
  temperature: number;
  /** Over 0, to 1. Only the fewest of the likeliest tokens that together have this probability are picked. */
  topP?: number | undefined;
  /** From 0. Only so many of the likeliest tokens are picked; 0 is all. */
  topK?: number | undefined;
  /** 0 to 1. Only tokens of at least this share of the likeliest one's probability are picked. */
  minP?: number | undefined;
  /** Over 0, to 10. Above 1, tokens of the prompt and the answer become less likely; below 1, likelier. */
  repetitionPenalty?: number | undefined;
  /** -2 to 2. Taken off the logit of each token that the answer has. */
  presencePenalty?: number | undefined;
  /** -2 to 2. Taken off the logit of a token for each time that the answer has it. */
  frequencyPenalty?: number | undefined;
  /** Token id to -100 to 100, added to its logit; at most 1,024 tokens. */
  logitBias?: Readonly<Record<string, number>> | undefined;
  /** The same request with the same seed gives the same text. */
  seed?: number | undefined;
  /** 0 to 20. Tells each token's log probability, and those of so many likeliest ones in its place. */
  logprobs?: number | undefined;
}

/**
 * `json_object`: any JSON object. `json_schema`: a JSON value that matches the schema. The answer is always whole: it is
 * brought to its end within `maxNewTokens`, and a schema whose shortest answer may not fit is refused. So is a keyword
 * that is not supported: nothing is left unchecked. An object has the properties that the schema names and no others.
 * Supported are `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `propertyNames`, `items`,
 * `prefixItems`, `minItems`, `maxItems`, `minLength`, `maxLength`, `minimum`, `maximum`, `exclusiveMinimum`,
 * `exclusiveMaximum`, `anyOf`, `oneOf` of options that exclude each other, and `$ref` within the schema.
 */
export type ResponseFormat = { type: "json_object" } | { type: "json_schema"; schema: unknown };

export interface GenerateRequest extends RequestOptions, SamplingSettings {
  /** Id of another model than the configured one. */
  model?: string | undefined;
  messages: ChatMessage[];
  maxNewTokens: number;
  /**
   * Whose conversation it is, such as a user's id: a prompt that begins like an earlier one of the same partition
   * computes only what is new. Without it nothing of the prompt is kept, but for `sharedPrompts`.
   */
  cachePartition?: string | undefined;
  /** Generation ends before the first of these; they are never part of the text. At most 64. */
  stop?: string[] | undefined;
  /** Token ids at which generation ends, besides the model's own; they are never part of the text. At most 64. */
  stopTokenIds?: number[] | undefined;
  /** What the text must be; any text unless said. */
  responseFormat?: ResponseFormat | undefined;
}

export interface GenerateResult {
  text: string;
  finishReason: "stop" | "length";
  /** Geometric mean of the generated tokens' probabilities, 0 to 1. */
  confidence: number;
  /** Tokens that the model saw. */
  promptTokens: number;
  completionTokens: number;
  /** Prompt tokens that did not fit into the model's context and were left out. */
  truncatedTokens: number;
  /** One entry per token of the answer, when the request asks for `logprobs`. */
  logprobs?: TokenLogprobs[] | undefined;
  model: string;
}

/** A token as text, which may be a part of a character: U+FFFD then. */
export interface TokenLogprob {
  token: string;
  /** Natural logarithm, by the model alone: before temperature, penalties, bias and cuts. */
  logprob: number;
}

export interface TokenLogprobs extends TokenLogprob {
  /** The likeliest tokens in this place, likeliest first. */
  top: TokenLogprob[];
}

/**
 * An answer as it comes: `for await` gives each new piece of text, whole characters only, and throws the failure when
 * there is one. The pieces together are the text. To be read once; leaving the loop cancels the generation.
 */
export interface GenerationStream extends AsyncIterable<string> {
  readonly result: Promise<GenerateResult>;
}

/** Runs the models. Every failure is an `InferenceError`. */
export interface Inference {
  /** The configured models' records, known without loading. */
  records(): { embedding: ModelRecord; generation: ModelRecord; reranking?: ModelRecord };
  /** The record of any model. @throws InferenceError `model_not_found` */
  record(id: string, task?: ModelTask): ModelRecord;
  /** Of the configured models, and of those that were asked for. */
  status(): ModelStatus[];
  /** Downloads and loads the configured models. Repeated calls share one load; a failed load is tried again by the next call. */
  load(): Promise<void>;
  embed(request: EmbedRequest): Promise<EmbedResult>;
  /** Tokens of each text, without prefix and special tokens, by the configured embedding model unless another is named. */
  countTokens(texts: string[], options?: RequestOptions & { model?: string }): Promise<number[]>;
  generate(request: GenerateRequest): Promise<GenerateResult>;
  generateStream(request: GenerateRequest): GenerationStream;
  /** Reads each text together with the query: slower than vectors, and better at telling the best of a few dozen. */
  rerank(request: RerankRequest): Promise<RerankResult>;
  /** Ends the child processes; pending requests fail as `aborted`. */
  close(): Promise<void>;
}
