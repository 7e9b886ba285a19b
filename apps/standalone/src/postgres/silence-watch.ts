import type { Connection } from "./connection.ts";

export interface SilenceLimits {
  /** How long the owner of the session may send nothing. */
  readonly idleMs: number;
  /** The same for a client that has sent nothing at all since another connection of it was ended. */
  readonly againMs: number;
}

interface Watch {
  readonly owner: Connection;
  readonly since: number;
  timer?: NodeJS.Timeout;
}

/**
 * Ends the owner of the session that sends nothing, since everybody waits for it. A process that was stopped has begun
 * transactions on several connections: the first one's silence is waited for, the others' turns are short. Which
 * connections are one process is told by their application name.
 */
export class SilenceWatch {
  readonly #limits: SilenceLimits;
  readonly #end: (owner: Connection) => void;
  /** When a connection of an application was last ended here. */
  readonly #endedAt = new Map<string, number>();
  #watch: Watch | undefined;

  constructor(limits: SilenceLimits, end: (owner: Connection) => void) {
    this.#limits = limits;
    this.#end = end;
  }

  /** The owner has its answers, and everybody waits for what it sends next. */
  start(owner: Connection): void {
    this.stop();
    this.#watch = { owner, since: performance.now() };
    this.#wait(this.#watch, this.#limitOf(owner));
  }

  stop(): void {
    clearTimeout(this.#watch?.timer);
    this.#watch = undefined;
  }

  #wait(watch: Watch, ms: number): void {
    // When this process was held up itself, what the owner has sent is read before the immediate.
    watch.timer = setTimeout(() => setImmediate(() => this.#watch === watch && this.#look(watch)), ms);
  }

  #look(watch: Watch): void {
    const { owner, since } = watch;
    const left = Math.max(since, owner.heardAt) + this.#limitOf(owner) - performance.now();
    if (left > 0) {
      this.#wait(watch, left);
      return;
    }
    this.stop();
    this.#endedAt.set(owner.application, performance.now());
    this.#end(owner);
  }

  #limitOf(owner: Connection): number {
    const endedAt = this.#endedAt.get(owner.application) ?? Number.NEGATIVE_INFINITY;
    return owner.heardAt < endedAt ? this.#limits.againMs : this.#limits.idleMs;
  }
}
