import { InferenceError } from "./inference-error.ts";
import { createMemoryBudget, type MemoryBudget, type Tenant } from "./memory-budget.ts";
import { defaultMemoryBudget, estimateRss } from "./memory-limit.ts";
import type { Call, CallResults } from "./messages.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import { type CallOptions, type ModelProcess, ProcessGoneError, startModelProcess } from "./model-process.ts";
import { isWorn } from "./recycling.ts";
import type { Tuning } from "./tuning.ts";
import type { DownloadProgress, InferenceLimits, ModelStatus } from "./types.ts";
import { untilAborted } from "./until-aborted.ts";
import { createWorkQueue, type Place, type Priority } from "./work-queue.ts";

export interface ModelHostOptions {
  definition: ModelDefinition;
  limits: InferenceLimits;
  /** How many calls of each priority the child is given at once. */
  running: Record<Priority, number>;
  /** Brings the model's files to this machine. Gives their folder. */
  fetchFiles: (onProgress: (progress: DownloadProgress) => void, signal: AbortSignal) => Promise<string>;
  onStatus: (status: ModelStatus) => void;
  /** Shared with other hosts; its own unless given. */
  memory?: MemoryBudget | undefined;
  /** Never unloaded for another's sake. */
  pinned?: boolean | undefined;
  /** Loads only into memory that is free. */
  optional?: boolean | undefined;
  /** What was measured of an embedding model on this machine. */
  tuning?: Tuning | undefined;
  /** As `startModelProcess` takes it. */
  background?: boolean | undefined;
  /** As `startModelProcess` takes it. */
  childMain?: URL | undefined;
}

/** One model: its files, its process and its queue. */
export interface ModelHost {
  status(): ModelStatus;
  load(): Promise<void>;
  /** An abort ends the call at once; its place is another's when the child has stopped. */
  call<T extends Call>(
    call: T,
    options: Omit<Place, "signal"> & CallOptions,
  ): Promise<CallResults[T["type"]]>;
  close(): Promise<void>;
}

/** How often a call is given to another process when one went away without its fault. */
const sendsMost = 3;
/** After a fresh process could not take over from a worn one. */
const replacePauseMs = 60_000;

/** A host that loads its model at the first call and again at the first call after a crash or after it was unloaded. */
export function createModelHost(options: ModelHostOptions): ModelHost {
  const { definition, limits, running, fetchFiles, onStatus, background, childMain } = options;
  const { memory = createMemoryBudget(defaultMemoryBudget()), pinned = false, optional } = options;
  const { id, task, source } = definition.record;
  const closing = new AbortController();
  const queue = createWorkQueue({ running, total: limits.maxQueuedRequests });
  let told: Pick<ModelStatus, "state" | "progress" | "error"> = { state: "idle" };
  let process: Promise<ModelProcess> | undefined;
  /** The process that answers, once it is loaded. */
  let serving: ModelProcess | undefined;
  let batching: ModelStatus["batching"];
  let calls = 0;
  let lastUsedAt: number | undefined;
  let replacing = false;
  let replaceFrom = 0;
  const ends = new Set<Promise<unknown>>();

  function status(): ModelStatus {
    const residentBytes = serving?.usage().bytes;
    return { id, task, source, pinned, residentBytes, lastUsedAt, batching, ...told };
  }
  function setStatus(change: typeof told): void {
    if (closing.signal.aborted) return;
    told = change;
    onStatus(status());
  }

  /** The running process, or a new one. */
  function runningProcess(): Promise<ModelProcess> {
    return process ?? use(fetchAndStart());
  }

  /** A load that fails, or a process that ends by itself, is forgotten: the next call has another one. */
  function use(started: Promise<ModelProcess>): Promise<ModelProcess> {
    process = started;
    serving = undefined;
    const forget = (error: unknown) => {
      if (process !== started) return;
      process = serving = undefined;
      setStatus({ state: "failed", error: error instanceof Error ? error.message : String(error) });
    };
    started.then((loaded) => {
      if (process === started) serving = loaded;
      void loaded.ended.then(forget);
    }, forget);
    return started;
  }

  async function fetchAndStart(): Promise<ModelProcess> {
    if (closing.signal.aborted) throw new InferenceError("aborted", "Inference was closed.");
    setStatus({ state: "loading" });
    const folder = await fetchFiles(
      (progress) => setStatus({ state: "downloading", progress }),
      closing.signal,
    );
    if (told.state === "downloading") setStatus({ state: "loading" });
    const loaded = await start(folder, { optional });
    setStatus({ state: "ready" });
    return loaded;
  }

  /** Takes a place in memory, then starts a process in it. */
  async function start(folder: string, room: { optional?: boolean | undefined }): Promise<ModelProcess> {
    const estimate = await estimateRss(definition.record, folder);
    let loaded: ModelProcess | undefined;
    const tenant: Tenant = {
      id,
      pinned,
      bytes: () => loaded?.usage().bytes ?? estimate,
      lastUsedAt: () => lastUsedAt ?? 0,
      isIdle: () => loaded !== undefined && loaded === serving && calls === 0 && !replacing,
      unload,
    };
    const leave = await memory.enter(tenant, { ...room, signal: closing.signal });
    const { signal } = closing;
    const starting = startModelProcess({ definition, folder, limits, signal, background, childMain });
    const end = starting.then(
      (it) => it.ended,
      () => undefined,
    );
    ends.add(end);
    void end.then(() => {
      ends.delete(end);
      leave();
    });
    loaded = await starting;
    ({ batching } = loaded);
    return loaded;
  }

  async function unload(): Promise<void> {
    const unloaded = serving;
    process = serving = undefined;
    setStatus({ state: "unloaded" });
    await unloaded?.retire();
  }

  /** A fresh process takes over when it is ready, or, where there is no room for two, when the old one is done. */
  async function replace(worn: ModelProcess): Promise<void> {
    if (replacing || serving !== worn || Date.now() < replaceFrom) return;
    replacing = true;
    try {
      const folder = await fetchFiles(() => {}, closing.signal);
      const fresh = await start(folder, { optional: true }).catch((error: unknown) => {
        if (!isLackOfRoom(error)) throw error;
      });
      if (process !== undefined && serving !== worn) return void fresh?.retire();
      await use(fresh ? takeOver(fresh) : startAfter(worn, folder));
      await worn.retire();
    } catch {
      // The worn one goes on, or the status has told what failed.
      replaceFrom = Date.now() + replacePauseMs;
    } finally {
      replacing = false;
    }
  }
  function takeOver(fresh: ModelProcess): Promise<ModelProcess> {
    if (told.state !== "ready") setStatus({ state: "ready" });
    return Promise.resolve(fresh);
  }
  async function startAfter(worn: ModelProcess, folder: string): Promise<ModelProcess> {
    setStatus({ state: "loading" });
    await worn.retire();
    const loaded = await start(folder, { optional });
    setStatus({ state: "ready" });
    return loaded;
  }

  async function sendTo<T extends Call>(call: T, options: CallOptions): Promise<CallResults[T["type"]]> {
    for (let sends = 1; ; sends++) {
      const loaded = await untilAborted(runningProcess(), options.signal);
      try {
        return await loaded.call(call, options);
      } catch (error) {
        if (!(error instanceof ProcessGoneError)) throw error;
        if (sends === sendsMost) throw error.reason;
        // The host forgets it then, and starts another.
        await loaded.ended;
      } finally {
        if (isWorn(loaded.usage(), limits)) void replace(loaded);
      }
    }
  }

  async function counted<T>(work: Promise<T>): Promise<T> {
    calls += 1;
    try {
      return await work;
    } finally {
      calls -= 1;
      lastUsedAt = Date.now();
      if (calls === 0) memory.settle();
    }
  }

  return {
    status,
    async load() {
      await runningProcess();
    },
    call(call, { priority, alone, signal, onText }) {
      const done = queue.run({ priority, alone, signal }, () => sendTo(call, { signal, onText }));
      return untilAborted(counted(done), signal);
    },
    async close() {
      closing.abort();
      await process?.catch(() => undefined);
      await Promise.all(ends);
    },
  };
}

/** Whether a process was not started for there is no memory for it now, or never will be. */
export function isLackOfRoom(error: unknown): boolean {
  return error instanceof InferenceError && ["model_too_large", "overloaded"].includes(error.code);
}
