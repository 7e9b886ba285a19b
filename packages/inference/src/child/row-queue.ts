import type { EmbedRequest } from "../types.ts";
import { finishStep, type Progress } from "./yield-to-events.ts";

/** One text, or pair of texts, as an encoder takes it. */
export interface Row {
  readonly ids: readonly number[];
  /** Which of a pair's texts each token is of, for the models that are told. */
  readonly typeIds?: readonly number[];
}

/** A row on its way through the model. */
export interface QueuedRow extends Row {
  priority: EmbedRequest["priority"];
  signal: AbortSignal;
}

interface Waiting<Output> extends QueuedRow {
  resolve(output: Output): void;
  reject(error: unknown): void;
}

/**
 * Gathers rows of all requests and runs them in batches of like length.
 * Interactive rows go first, also between two batches of a bulk request.
 * @param tokensPerRun padding included; 0 runs each row alone
 */
export function createRowQueue<Output>(
  run: (rows: readonly Row[]) => Promise<Output[]>,
  tokensPerRun: number,
  progress: Progress,
) {
  let waiting: Waiting<Output>[] = [];
  let working = false;

  function add(rows: readonly QueuedRow[]): Promise<Output[]> {
    const outputs = rows.map((row) => {
      return new Promise<Output>((resolve, reject) => waiting.push({ ...row, resolve, reject }));
    });
    waiting.sort((a, b) => rank(a) - rank(b) || a.ids.length - b.ids.length);
    if (!working) void work();
    return Promise.all(outputs);
  }

  async function work(): Promise<void> {
    working = true;
    while (waiting.length > 0) {
      const batch = takeBatch(waiting, tokensPerRun);
      try {
        const outputs = await run(batch);
        batch.forEach((row, index) => {
          const output = outputs[index];
          if (output !== undefined) row.resolve(output);
        });
      } catch (error) {
        for (const row of batch) row.reject(error);
      }
      await finishStep(progress);
      waiting = withoutAborted(waiting);
    }
    working = false;
  }

  return { add };
}

const rank = (row: QueuedRow) => (row.priority === "interactive" ? 0 : 1);

/** Between two runs the aborted ones go, wherever in the queue they are: their request hears of it now. */
function withoutAborted<Output>(waiting: readonly Waiting<Output>[]): Waiting<Output>[] {
  return waiting.filter(({ signal, reject }) => {
    if (signal.aborted) reject(signal.reason);
    return !signal.aborted;
  });
}

/** Takes the next rows off a sorted queue: of one priority, within the budget, at least one. */
function takeBatch<Output>(waiting: Waiting<Output>[], tokensPerRun: number): Waiting<Output>[] {
  const batch: Waiting<Output>[] = [];
  while (waiting[0]) {
    const [first] = batch;
    const next = waiting[0];
    // Sorted by length, so the next row is the longest and sets the width of the run.
    const fits = (batch.length + 1) * next.ids.length <= tokensPerRun;
    if (first && (!fits || rank(next) !== rank(first))) break;
    batch.push(next);
    waiting.shift();
  }
  return batch;
}
