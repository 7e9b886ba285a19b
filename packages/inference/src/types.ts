/** What a model is for. */
export type ModelTask = "embedding" | "generation";

/** Where a model's files come from: this package, or a model hub. */
export type ModelSource = "bundled" | "hub";

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
  /** Length of a vector. Embedding models only, as are the next four and `chunkTokens`. */
  dimensions?: number;
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
  description: string;
}

/** How far a download is. */
export interface DownloadProgress {
  loadedBytes: number;
  totalBytes: number;
  bytesPerSecond: number;
}

/** What a model is doing. */
export interface ModelStatus {
  id: string;
  task: ModelTask;
  state: "idle" | "downloading" | "loading" | "ready" | "failed";
  source: ModelSource;
  /** Present while downloading. */
  progress?: DownloadProgress;
  /** Present when failed. */
  error?: string;
}

/** Bounds, all with defaults (see `limits.ts`). */
export interface InferenceLimits {
  /** Threads of one model run. */
  threads: number;
  /** Requests waiting or running per model; more are refused as `overloaded`. */
  maxQueuedRequests: number;
  /** Texts in one embed request, and characters in one text; more are `invalid_input`. */
  maxTextsPerRequest: number;
  maxTextCharacters: number;
  /** Tokens per run of the embedding model, padding included. */
  tokensPerRun: number;
  /** A single run of the embedding model, or the time without a new token in a generation, before the child is killed. */
  runDeadlineMs: number;
  /** Reading the model's files into memory, before the child is killed. */
  loadDeadlineMs: number;
  /** How long an aborted generation may keep running before the child is killed. */
  abortGraceMs: number;
}

export interface InferenceOptions {
  /** Model ids; `records()` tells what is known of them. */
  models: { embedding: string; generation: string };
  /** Folder for downloaded models; made when missing. */
  cacheDir: string;
  /** Base URL of the hub or a mirror, such as `https://huggingface.co`. */
  hubEndpoint: string;
  /** Called at every change of a model's status, and at most every 250 ms during a download. */
  onStatus?: (status: ModelStatus) => void;
  limits?: Partial<InferenceLimits>;
}

export interface EmbedRequest {
  texts: string[];
  /** Picks the model's prefix. */
  kind: "query" | "passage";
  /** Interactive requests overtake bulk ones. */
  priority: "interactive" | "bulk";
  signal?: AbortSignal | undefined;
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

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

export interface GenerateRequest {
  messages: ChatMessage[];
  maxNewTokens: number;
  /** 0 always takes the likeliest token. */
  temperature: number;
  topP?: number | undefined;
  topK?: number | undefined;
  /** The same request with the same seed gives the same text. */
  seed?: number | undefined;
  /** Generation ends before the first of these; they are never part of the text. */
  stop?: string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Called with each new piece of text, whole characters only. The pieces together are the text. */
  onText?: ((delta: string) => void) | undefined;
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
  model: string;
}

/** Runs the models. Every failure is an `InferenceError`. */
export interface Inference {
  /** The two models' records, known without loading. */
  records(): { embedding: ModelRecord; generation: ModelRecord };
  status(): ModelStatus[];
  /** Downloads and loads both models. Repeated calls share one load; a failed load is tried again by the next call. */
  load(): Promise<void>;
  embed(request: EmbedRequest): Promise<EmbedResult>;
  /** Tokens of each text, without prefix and special tokens. The embedding model's unless said. */
  countTokens(texts: string[], model?: ModelTask): Promise<number[]>;
  generate(request: GenerateRequest): Promise<GenerateResult>;
  /** Ends the child processes; pending requests fail as `aborted`. */
  close(): Promise<void>;
}
