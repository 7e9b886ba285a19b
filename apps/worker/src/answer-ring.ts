import { type QueueName, uuidSchema } from "@genq/contract";
import { z } from "zod";
import type { Claimer } from "./claimer.ts";
import { runTask, type TaskRunner } from "./run-task.ts";

export interface RingAnswerer extends TaskRunner {
  claimer: Claimer;
  warn: (error: unknown, message: string) => void;
  isStopping: () => boolean;
}

const ringSchema = z.object({ taskId: uuidSchema });

/**
 * A ring says that there is work in its queue: claims and runs the tasks whose turn it is, one after the other, until there
 * is none to claim. What the ring itself carries decides nothing, so a forged one does no harm.
 */
export async function answerRing(answerer: RingAnswerer, queue: QueueName, data: unknown): Promise<void> {
  const ring = ringSchema.safeParse(data);
  if (!ring.success) {
    answerer.metrics.ringIgnored("malformed");
    answerer.warn(ring.error, "a malformed ring was ignored");
    return;
  }
  const { claimer, isStopping } = answerer;
  let task = isStopping() ? undefined : await claimer.next(queue, ring.data.taskId);
  while (task !== undefined) {
    const { drained } = await runTask(answerer, task);
    task = claimer.handed(queue) ?? (drained || isStopping() ? undefined : await claimer.next(queue));
  }
}
