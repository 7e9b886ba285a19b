import { setTimeout } from "node:timers/promises";
import { serveProgram } from "../program.ts";
import type { BenchText } from "./generate-main.ts";

export interface LlamaOptions {
  /** The entry point of an installed node-llama-cpp. */
  library: string;
  file: string;
  threads: number;
  /** Texts at once. */
  sequences: number;
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

/** llama.cpp, greedy, all texts together. Answers with the number of tokens. */
await serveProgram<LlamaOptions, BenchText[]>(async ({ library, file, threads, sequences }) => {
  const { getLlama }: Library = await import(library);
  const llama = await getLlama({
    gpu: false,
    build: "never",
    progressLogs: false,
    logLevel: "error",
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  const context = await model.createContext({ contextSize: 1024, threads, sequences });
  const free = Array.from({ length: sequences }, () => context.getSequence());

  async function generate({ prompt, newTokens, afterMs }: BenchText): Promise<number> {
    await setTimeout(afterMs);
    const sequence = free.pop();
    if (!sequence) throw new Error(`There are more than ${sequences} texts at once.`);
    await sequence.clearHistory();
    let tokens = 0;
    for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      tokens++;
      if (tokens === newTokens) break;
    }
    free.push(sequence);
    return tokens;
  }

  return async (texts) => {
    const tokens = await Promise.all(texts.map(generate));
    return tokens.reduce((sum, count) => sum + count, 0);
  };
});
