import { serveProgram } from "../program.ts";

export interface LlamaOptions {
  /** The entry point of an installed node-llama-cpp. */
  library: string;
  file: string;
  threads: number;
}

export interface LlamaRequest {
  prompt: number[];
  newTokens: number;
}

/** What is used of node-llama-cpp, which is not among this repository's dependencies. */
interface Library {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      createContext(options: object): Promise<{
        getSequence(): {
          clearHistory(): Promise<void>;
          evaluate(tokens: number[], options: object): AsyncIterable<number>;
        };
      }>;
    }>;
  }>;
}

/** llama.cpp, greedy. Answers with the number of tokens. */
await serveProgram<LlamaOptions, LlamaRequest>(async ({ library, file, threads }) => {
  const { getLlama }: Library = await import(library);
  const llama = await getLlama({
    gpu: false,
    build: "never",
    progressLogs: false,
    logLevel: "error",
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 2048, threads, sequences: 1 });
  const sequence = context.getSequence();
  return async ({ prompt, newTokens }) => {
    await sequence.clearHistory();
    let tokens = 0;
    for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      tokens++;
      if (tokens === newTokens) break;
    }
    return tokens;
  };
});
