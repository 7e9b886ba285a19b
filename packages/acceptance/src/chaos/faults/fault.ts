import type { ChaosStack, Service } from "../stack.ts";
import type { FaultDatabase } from "./fault-database.ts";
import type { FaultName } from "./names.ts";

/** One fault of a plan. Its numbers, from 0 up to 1, come from the seed; each fault makes of them what it needs. */
export interface Step {
  fault: FaultName;
  /** The rest before it. */
  gap: number;
  /** Which of its targets. */
  target: number;
  /** Which of its ways. */
  way: number;
  length: number;
}

export interface FaultContext {
  stack: ChaosStack;
  database: FaultDatabase;
  signal: AbortSignal;
  /** Workers that are stopped or cut off: they shall wake up with their stale claims, not die before. */
  asleep: Set<Service>;
  /** Claims that a fault took from their workers, as `task-attempt`. */
  taken: Map<string, FaultName>;
  /** Whether a process that is restarted only so often may end once more; and that it did. */
  mayEnd(name: string): boolean;
  noteEnd(name: string): void;
}

/**
 * Breaks something and mends it. Resolves with what happened, once that was seen; undefined when there was nothing to
 * break, or when it did not break: it is tried again later.
 */
export type Inject = (step: Step, context: FaultContext) => Promise<string | undefined>;

export interface Fault {
  /** `kill`: one after the other. `sleep`: workers that are away for long. `trouble`: all else. */
  lane: "kill" | "sleep" | "trouble";
  /** Why it can't be injected into this stack. */
  unable?(stack: ChaosStack): string | undefined;
  /** Whether there is something to break right now; another fault comes first when not. */
  ready?(context: FaultContext): boolean;
  inject: Inject;
}

/** One of some, by a number from 0 up to 1. */
export function pickBy<Item>(items: readonly Item[], part: number): Item | undefined {
  return items[Math.floor(part * items.length)];
}

/** The services of a role that are awake; those from the one that the step means come first. */
export function awake({ stack, asleep }: FaultContext, role: Service["role"], target: number): Service[] {
  const all = stack.services.filter((one) => one.role === role);
  const first = Math.floor(target * all.length);
  return [...all.slice(first), ...all.slice(0, first)].filter((one) => !asleep.has(one));
}
