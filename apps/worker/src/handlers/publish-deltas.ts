import { deltaLimit } from "@genq/contract";
import type { Services } from "../services.ts";
import type { Run } from "./handler.ts";
import { toStorable } from "./to-storable.ts";

/** The first piece goes out at once, the others together this often. */
const everyMs = 75;

/**
 * Passes the pieces of a text on, and publishes them to whoever follows the task, without waiting for anybody: what is
 * not taken is counted and lost. Nothing is published once the run's claim is lost.
 */
export async function* publishDeltas(
  services: Pick<Services, "deltas" | "metrics">,
  run: Pick<Run, "claim" | "signal">,
  pieces: AsyncIterable<string>,
): AsyncGenerator<string, void> {
  const { taskId: task_id, attempt } = run.claim;
  let pending = "";
  let offset = 0;
  let sending = false;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  const send = async () => {
    timer = undefined;
    if (run.signal.aborted) return;
    const delta = beginningOf(pending, deltaLimit);
    const piece = { task_id, attempt, offset, delta };
    pending = pending.slice(delta.length);
    offset += delta.length;
    sending = true;
    sentAt = performance.now();
    services.metrics.published((await services.deltas.publish(piece)) ? "taken" : "dropped");
    sending = false;
    plan();
  };
  const plan = () => {
    if (pending === "" || sending) return;
    if (ended) clearTimeout(timer);
    else if (timer !== undefined) return;
    const waitMs = ended ? 0 : Math.max(0, sentAt + everyMs - performance.now());
    if (waitMs > 0) timer = setTimeout(send, waitMs);
    else void send();
  };
  try {
    for await (const text of pieces) {
      pending += toStorable(text);
      plan();
      yield text;
    }
    ended = true;
    plan();
  } finally {
    // Of a text that failed, the rest is for nobody.
    if (!ended) {
      clearTimeout(timer);
      pending = "";
    }
  }
}

/** No character is cut. */
function beginningOf(text: string, limit: number): string {
  const beginning = text.slice(0, limit);
  return beginning.isWellFormed() ? beginning : beginning.slice(0, -1);
}
