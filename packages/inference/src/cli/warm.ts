import { withDefaultLimits } from "../limits.ts";
import { startModelProcess } from "../model-process.ts";
import { warmUpCall } from "../warm-up.ts";
import { type Context, definitionOf } from "./context.ts";
import { ensureHere } from "./pull.ts";
import { formatBytes } from "./screen.ts";

/** Loads a model and asks it something: whether it can be used here, how long that takes, and in how much memory. */
export async function warm(context: Context): Promise<object> {
  const { signal, screen } = context;
  const definition = definitionOf(context);
  const { id, task, dtype, device = "cpu" } = definition.record;
  const folder = await ensureHere(context, definition.record);
  screen.show(`Loading ${id}`);
  const begun = performance.now();
  const limits = withDefaultLimits();
  const loaded = await startModelProcess({ definition, folder, limits, signal });
  const loadMs = Math.round(performance.now() - begun);
  const asked = performance.now();
  await loaded.call(warmUpCall(task), { signal });
  const answerMs = Math.round(performance.now() - asked);
  const { bytes, maxRssBytes } = loaded.usage();
  const { batching } = loaded;
  await loaded.retire();
  screen.say(
    `${id} (${dtype}) works on ${device}: loaded in ${loadMs} ms, a short ${task} took ${answerMs} ms; ` +
      `it takes ${formatBytes(bytes)} of memory, of ${formatBytes(maxRssBytes)} allowed.`,
  );
  if (batching === "continuous") screen.say("It continues several texts at once.");
  if (batching === "one_row")
    screen.say("One text at a time: its graph, dtype or device does not allow more.");
  return {
    id,
    task,
    dtype,
    device,
    load_ms: loadMs,
    answer_ms: answerMs,
    resident_bytes: bytes,
    max_rss_bytes: maxRssBytes,
    batching: batching ?? null,
  };
}
