import {
  type GenerateRequest,
  type GenerateResult,
  type GenerationStream,
  type Inference,
  InferenceError,
  type ModelStatus,
} from "@genq/inference";

const dimensions = 64;

export interface FakeOptions {
  /** How long a text's embedding takes. */
  embedMs?: number;
  /** How long a generation takes, unless it is aborted. */
  generateMs?: number;
  answer?: string;
  embeddingId?: string;
  /** Whether there is a reranking model. */
  reranks?: boolean;
}

/** Models made of a hash: texts that share words are near each other. */
export function fakeInference(
  {
    embedMs = 0,
    generateMs = 0,
    answer = "Yes [1].",
    embeddingId = "test/embedder",
    reranks = false,
  }: FakeOptions = {},
  onStatus: (status: ModelStatus) => void = () => {},
): Inference & { embedded: string[]; prompts: string[] } {
  const common = { revision: "1", dtype: "fp32", source: "bundled", description: "A fake" } as const;
  const embedding = {
    ...common,
    id: embeddingId,
    task: "embedding",
    dimensions,
    maxTokens: 256,
    chunkTokens: 40,
  } as const;
  const generation = { ...common, id: "test/generator", task: "generation", maxTokens: 1024 } as const;
  const reranking = { ...common, id: "test/reranker", task: "reranking", maxTokens: 256 } as const;
  const embedded: string[] = [];
  const prompts: string[] = [];
  const statuses = [embedding, generation].map(
    ({ id, task, source }): ModelStatus => ({ id, task, source, pinned: true, state: "ready" }),
  );
  function generateStream({ messages, signal }: GenerateRequest): GenerationStream {
    prompts.push(messages.map(({ content }) => content).join("\n"));
    const { promise, resolve, reject } = Promise.withResolvers<GenerateResult>();
    promise.catch(() => undefined);
    async function* read() {
      try {
        for (let waited = 0; waited < generateMs; waited += 100) {
          await pause(Math.min(100, generateMs), signal);
          yield ".";
        }
      } catch (error) {
        reject(error);
        throw error;
      }
      resolve({
        text: answer,
        finishReason: "stop",
        confidence: 0.5,
        promptTokens: 10,
        completionTokens: 3,
        truncatedTokens: 0,
        model: generation.id,
      });
    }
    const text = read();
    return { result: promise, [Symbol.asyncIterator]: () => text };
  }
  return {
    embedded,
    prompts,
    records: () => ({ embedding, generation, ...(reranks && { reranking }) }),
    record: (id) => [embedding, generation, reranking].find((record) => record.id === id) ?? generation,
    status: () => statuses,
    load: () => {
      for (const status of statuses) onStatus(status);
      return Promise.resolve();
    },
    embed: async ({ texts, signal }) => {
      await pause(embedMs * texts.length, signal);
      embedded.push(...texts);
      const tokens = texts.map(countWords);
      const vectors = texts.map(toVector);
      return { model: embedding.id, dimensions, vectors, tokens, truncatedTokens: texts.map(() => 0) };
    },
    countTokens: (texts) => Promise.resolve(texts.map(countWords)),
    // The last text is the best one.
    rerank: ({ texts, topK }) => {
      const results = texts.map((text, index) => {
        return { index, score: (index + 1) / texts.length, tokens: countWords(text), truncatedTokens: 0 };
      });
      return Promise.resolve({ model: "test/reranker", results: results.toReversed().slice(0, topK) });
    },
    generate: async (request) => {
      const stream = generateStream(request);
      await Array.fromAsync(stream);
      return await stream.result;
    },
    generateStream,
    close: () => Promise.resolve(),
  };
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

function toVector(text: string): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/\w+/g) ?? ["none"]) {
    let hash = 7;
    for (const character of word) hash = (hash * 31 + character.charCodeAt(0)) % 9973;
    vector[hash % dimensions] = (vector[hash % dimensions] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new InferenceError("aborted", "Aborted."));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}
