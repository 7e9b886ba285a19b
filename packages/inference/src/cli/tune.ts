import { availableParallelism } from "node:os";
import { InferenceError } from "../inference-error.ts";
import { measureEmbedding } from "../measure-embedding.ts";
import { keepTuning } from "../tuning.ts";
import { type Context, definitionOf } from "./context.ts";
import { ensureHere } from "./pull.ts";
import { table } from "./screen.ts";

/** Finds how an embedding model's bulk work is best spread over this machine, and keeps it for the workers here. */
export async function tune(context: Context): Promise<object> {
  const { signal, screen } = context;
  const definition = definitionOf(context);
  const { record } = definition;
  if (record.task !== "embedding")
    throw new InferenceError(
      "invalid_input",
      `${record.id} is for ${record.task}: only bulk embedding is tuned.`,
    );
  if (record.source === "bundled")
    throw new InferenceError("invalid_input", `${record.id} is too small to be tuned: one process does all.`);
  if ((record.device ?? "cpu") !== "cpu")
    throw new InferenceError(
      "invalid_input",
      `${record.id} runs on ${record.device}: only the CPU is spread over processes.`,
    );
  const folder = await ensureHere(context, record);
  const cores = availableParallelism();
  screen.say(
    `Measuring ${record.id} (${record.dtype}) on ${cores} cores: leave the machine alone for a minute or two.`,
  );
  const rows = [["PROCESSES", "THREADS OF EACH", "TOKENS IN A RUN", "TOKENS/S"]];
  const all: object[] = [];
  const best = await measureEmbedding(definition, folder, {
    cores,
    signal,
    onMeasured: (measured) => {
      const { bulkProcesses, threadsPerBulkProcess, tokensPerRun, tokensPerSecond } = measured;
      all.push(measured);
      rows.push([bulkProcesses, threadsPerBulkProcess, tokensPerRun, tokensPerSecond].map(String));
      screen.show(`${all.length} measured, ${tokensPerSecond} tokens/s`);
    },
  });
  screen.say(table(rows));
  await keepTuning(record, folder, best);
  screen.say(
    `\nBest: ${best.bulkProcesses} × ${best.threadsPerBulkProcess} threads, runs of ${best.tokensPerRun} tokens. Workers that start from now on take it,` +
      " unless EMBEDDING_BULK_PROCESSES says else.",
  );
  return { id: record.id, cores, measured: all, best };
}
