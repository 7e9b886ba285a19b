import { InferenceError } from "./inference-error.ts";
import { mebibytes } from "./memory-limit.ts";

/** A process of a model, as far as its memory goes. */
export interface Tenant {
  /** The model's id. */
  id: string;
  /** Never unloaded for another's sake. */
  pinned: boolean;
  /** What it takes by its last beat; by estimate until it is loaded. In bytes. */
  bytes(): number;
  lastUsedAt(): number;
  /** Loaded, and nothing runs or waits. */
  isIdle(): boolean;
  /** Ends the idle process; to resolve when its memory is free. */
  unload(): Promise<void>;
}

interface EnterOptions {
  /** A process that is merely convenient takes what is free, at once or not at all. */
  optional?: boolean | undefined;
  signal: AbortSignal;
}

/** The memory that all models' processes share. */
export interface MemoryBudget {
  /**
   * Waits for room, of which the least recently used idle models make some. Returns what to call when the process has ended.
   * @throws InferenceError `model_too_large` when there can't be so much room, `overloaded` when others keep it busy
   */
  enter(tenant: Tenant, options: EnterOptions): Promise<() => void>;
  /** A model has become idle: it may go for those who wait, or because what is loaded has outgrown the budget. */
  settle(): void;
}

const waitMs = 60_000;

export function createMemoryBudget(budgetBytes: number, longestWaitMs = waitMs): MemoryBudget {
  const tenants = new Set<Tenant>();
  let wakers: (() => void)[] = [];

  const sumOf = (some: Iterable<Tenant>) => [...some].reduce((sum, tenant) => sum + tenant.bytes(), 0);
  const idleOnes = () =>
    [...tenants]
      .filter((tenant) => !tenant.pinned && tenant.isIdle())
      .sort((a, b) => a.lastUsedAt() - b.lastUsedAt());

  function wake(): void {
    const woken = wakers;
    wakers = [];
    for (const waker of woken) waker();
  }

  async function makeRoom(tenant: Tenant, { optional, signal }: EnterOptions): Promise<void> {
    const overdue = AbortSignal.timeout(longestWaitMs);
    for (;;) {
      const wanted = tenant.bytes();
      const kept = sumOf([...tenants].filter(({ pinned }) => pinned));
      if (wanted + kept > budgetBytes && !optional) throw tooLarge(tenant, kept);
      const lacking = sumOf(tenants) + wanted - budgetBytes;
      if (lacking <= 0) return;
      const idle = idleOnes();
      if (optional || overdue.aborted) throw noRoom(tenant);
      if (signal.aborted) throw new InferenceError("aborted", "Inference was closed.");
      // None goes for nothing: together they must be enough.
      if (idle[0] && sumOf(idle) >= lacking) await idle[0].unload();
      else await change(AbortSignal.any([signal, overdue]));
    }
  }

  function change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
      wakers.push(resolve);
    });
  }

  function tooLarge(tenant: Tenant, kept: number): InferenceError {
    const beside = kept > 0 ? `, of which models that stay loaded take ${mebibytes(kept)} MiB` : "";
    return new InferenceError(
      "model_too_large",
      `${tenant.id} needs about ${mebibytes(tenant.bytes())} MiB of memory; the models' budget is ${mebibytes(budgetBytes)} MiB${beside}. ` +
        "Give models more memory, or choose a smaller model or dtype.",
    );
  }
  function noRoom(tenant: Tenant): InferenceError {
    return new InferenceError(
      "overloaded",
      `${tenant.id} needs about ${mebibytes(tenant.bytes())} MiB of memory, and the models at work leave too little of the ` +
        `${mebibytes(budgetBytes)} MiB that models may take. Try again when they are done.`,
    );
  }

  return {
    async enter(tenant, options) {
      await makeRoom(tenant, options);
      tenants.add(tenant);
      return () => {
        tenants.delete(tenant);
        wake();
      };
    },
    settle() {
      const [idle] = idleOnes();
      if (idle && sumOf(tenants) > budgetBytes) void idle.unload();
      wake();
    },
  };
}
