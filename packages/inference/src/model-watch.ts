import type { Beat } from "./beats.ts";
import { InferenceError } from "./inference-error.ts";
import { mebibytes } from "./memory-limit.ts";
import type { InferenceLimits } from "./types.ts";

/** What a process's silence and memory say about it. */
export interface ModelWatch {
  heard(beat: Beat): void;
  /** The process answered, or was given work after it had none. */
  progressed(): void;
  /** Why the process must be ended now, if it must. To be asked every `watchEveryMs`. */
  verdict(busy: boolean): InferenceError | undefined;
}

export const watchEveryMs = 250;
/** Starting Node and its thread of beats, on a machine that has much else to do. */
const firstBeatMs = 30_000;

/** Judges by the parent's clock, which is not the child's fault when it stands still. */
export function createModelWatch(
  id: string,
  limits: Pick<InferenceLimits, "silenceMs" | "stepDeadlineMs" | "tokenDeadlineMs"> & { maxRssBytes: number },
  now: () => number = Date.now,
): ModelWatch {
  let beat: Beat = { steps: 0, tokens: 0, rssBytes: 0 };
  let silentSince = now() + firstBeatMs - limits.silenceMs;
  let stuckSince = now();
  let askedAt = now();

  return {
    heard: (next) => {
      silentSince = now();
      // Also a run that began or ended is progress.
      if (next.steps !== beat.steps || next.tokens !== beat.tokens) stuckSince = now();
      beat = next;
    },
    progressed: () => {
      stuckSince = now();
      // Its thread has begun to beat, or will at once.
      silentSince = Math.min(silentSince, now());
    },
    verdict: (busy) => {
      const at = now();
      // A parent that slept or was busy has not listened: its silence is not the child's.
      if (at - askedAt > 4 * watchEveryMs) {
        silentSince = Math.max(silentSince, at);
        stuckSince = at;
      }
      askedAt = at;
      if (at - silentSince > limits.silenceMs) return hung(`was silent for ${limits.silenceMs} ms`);
      const deadlineMs = limits.stepDeadlineMs + beat.tokens * limits.tokenDeadlineMs;
      if (busy && at - stuckSince > deadlineMs) return hung(`made no progress for ${deadlineMs} ms`);
      if (beat.rssBytes > limits.maxRssBytes) return tooLarge(beat.rssBytes);
      return undefined;
    },
  };

  function hung(how: string): InferenceError {
    return new InferenceError("inference_timeout", `${id} ${how} and was ended.`);
  }
  function tooLarge(bytes: number): InferenceError {
    return new InferenceError(
      "model_crashed",
      `${id} took ${mebibytes(bytes)} MiB of memory, more than the ${mebibytes(limits.maxRssBytes)} MiB it may, and was ended.`,
    );
  }
}
