import { z } from "zod";
import { uuidSchema } from "./scalars.ts";

/** UTF-16 code units of one delta. */
export const deltaLimit = 8192;

/**
 * A piece of the text that a running task generates, on its way from worker to api. Best effort: pieces may be missing,
 * and the task's row is the truth.
 */
export const taskDeltaSchema = z.object({
  task_id: uuidSchema,
  attempt: z.int().min(1).meta({ description: "A later attempt begins the text anew" }),
  offset: z.int().min(0).meta({
    description:
      "UTF-16 code units of this attempt's text before this piece; more than were received: some are missing",
  }),
  delta: z.string().min(1).max(deltaLimit).meta({ description: "Whole characters" }),
});
export type TaskDelta = z.infer<typeof taskDeltaSchema>;
