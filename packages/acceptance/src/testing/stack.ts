import { inject } from "vitest";

/** A running genq as its clients see it. */
export interface RunningStack {
  edition: "standalone" | "server";
  apiUrl: string;
  supabaseUrl: string;
  publishableKey: string;
}

declare module "vitest" {
  interface ProvidedContext {
    stack: RunningStack;
  }
}

/** The stack that vitest's global setup started for all smoke tests. */
export function sharedStack(): RunningStack {
  return inject("stack");
}
