import { z } from "zod";

/** What the launcher's own children (Postgres, Supabase) tell it over their IPC channel. */
export const reportSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("failed"), code: z.string(), detail: z.string() }),
]);
export type Report = z.infer<typeof reportSchema>;

export function reportReady(): void {
  process.send?.({ type: "ready" } satisfies Report);
}

/** Resolves when the launcher has it, so that the process may exit. */
export function reportFailure(code: string, detail: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) {
      process.send({ type: "failed", code, detail } satisfies Report, () => resolve());
    } else {
      resolve();
    }
  });
}
