import type { EmbedRequest } from "../types.ts";
import { finishStep, type Progress } from "./yield-to-events.ts";

/** One text on its way through the model. */
export interface EmbeddingItem {
  ids: readonly number[];
  priority: EmbedRequest["priority"];
  signal: AbortSignal;
}

interface Waiting extends EmbeddingItem {
  resolve(vector: Float32Array): void;
  reject(error: unknown): void;
}

type Run = (rows: readonly (readonly number[])[]) => Promise<Float32Array[]>;

/**
 * Gathers texts of all requests and runs them in batches of like length.
 * Interactive texts go first, also between two batches of a bulk request.
 * @param tokensPerRun padding included; 0 runs each text alone
 */
export function createEmbeddingQueue(run: Run, tokensPerRun: number, progress: Progress) {
  let waiting: Waiting[] = [];
  let working = false;

  function add(items: readonly EmbeddingItem[]): Promise<Float32Array[]> {
    const vectors = items.map((item) => {
      return new Promise<Float32Array>((resolve, reject) => waiting.push({ ...item, resolve, reject }));
    });
    waiting.sort((a, b) => rank(a) - rank(b) || a.ids.length - b.ids.length);
    if (!working) void work();
    return Promise.all(vectors);
  }

  async function work(): Promise<void> {
    working = true;
    while (waiting.length > 0) {
      const batch = takeBatch(waiting, tokensPerRun);
      try {
        const vectors = await run(batch.map((item) => item.ids));
        batch.forEach((item, index) => {
          const vector = vectors[index];
          if (vector) item.resolve(vector);
        });
      } catch (error) {
        for (const item of batch) item.reject(error);
      }
      await finishStep(progress);
      waiting = withoutAborted(waiting);
    }
    working = false;
  }

  return { add };
}

const rank = (item: EmbeddingItem) => (item.priority === "interactive" ? 0 : 1);

/** Between two runs the aborted ones go, wherever in the queue they are: their request hears of it now. */
function withoutAborted(waiting: readonly Waiting[]): Waiting[] {
  return waiting.filter(({ signal, reject }) => {
    if (signal.aborted) reject(signal.reason);
    return !signal.aborted;
  });
}

/** Takes the next texts off a sorted queue: of one priority, within the budget, at least one. */
function takeBatch(waiting: Waiting[], tokensPerRun: number): Waiting[] {
  const batch: Waiting[] = [];
  while (waiting[0]) {
    const [first] = batch;
    const next = waiting[0];
    // Sorted by length, so the next text is the longest and sets the width of the run.
    const fits = (batch.length + 1) * next.ids.length <= tokensPerRun;
    if (first && (!fits || rank(next) !== rank(first))) break;
    batch.push(next);
    waiting.shift();
  }
  return batch;
}
