import { isTerminal, type Task, taskSchema } from "@genq/contract";
import { GenqError } from "./genq-error.ts";
import { parseAnswer } from "./parse-answer.ts";
import { pause } from "./retry.ts";
import type { Transport } from "./transport.ts";

export interface WaitOptions {
  /** Hears the task each time it is seen to have changed, also at its end. */
  onProgress?: (task: Task) => void;
  /** How long to wait in all. Default: as long as it takes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Seconds that one request waits at the server. */
const waitSeconds = 25;
/** Polls of a server that does not wait are spread out, from the first of these to the second. */
const spreadMs = { from: 100, to: 3000 };
/** A server that restarts is asked again for about a minute. */
const maxRetries = 10;

/**
 * Long-polls a task until it is finished. With `onProgress` each request waits for a change only (`If-None-Match`).
 * @throws GenqError timed_out; not_found when the task is gone
 */
export async function waitForTask(
  transport: Transport,
  path: string,
  options: WaitOptions = {},
): Promise<Task> {
  const { onProgress, timeoutMs } = options;
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
  let seen: string | undefined;
  let spread = spreadMs.from;
  for (;;) {
    const asked = Date.now();
    // Who follows the progress hears of the present state first.
    const longest = onProgress !== undefined && seen === undefined ? 0 : waitSeconds;
    const wait = Math.min(longest, Math.max(0, Math.ceil((deadline - asked) / 1000)));
    const answer = await transport.send({
      method: "GET",
      path,
      query: { wait },
      headers: { "if-none-match": onProgress && seen },
      timeoutMs: (wait + 15) * 1000,
      maxRetries,
      signal: options.signal,
    });
    if (answer.status !== 304) {
      const task = parseAnswer(answer, taskSchema);
      const tag = answer.headers.get("etag") ?? task.updated_at;
      if (tag !== seen) {
        onProgress?.(task);
        spread = spreadMs.from;
      }
      if (isTerminal(task.status)) return task;
      seen = tag;
    }
    if (Date.now() >= deadline) {
      throw new GenqError("timed_out", `The task has not finished within ${timeoutMs} ms.`);
    }
    if (Date.now() - asked < spread) await pause(spread, options.signal);
    spread = Math.min(spreadMs.to, spread * 1.5);
  }
}
