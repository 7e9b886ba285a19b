import { InferenceError } from "./inference-error.ts";
import type { Call, CallResults } from "./messages.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import { type CallOptions, type ModelProcess, ProcessGoneError, startModelProcess } from "./model-process.ts";
import type { DownloadProgress, InferenceLimits, ModelStatus } from "./types.ts";
import { createWorkQueue, type Place, type Priority } from "./work-queue.ts";

export interface ModelHostOptions {
  definition: ModelDefinition;
  limits: InferenceLimits;
  /** How many calls of each priority the child is given at once. */
  running: Record<Priority, number>;
  /** Brings the model's files to this machine. Gives their folder. */
  fetchFiles: (onProgress: (progress: DownloadProgress) => void, signal: AbortSignal) => Promise<string>;
  onStatus: (status: ModelStatus) => void;
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

/** A host that loads its model at the first call and again at the first call after a crash. */
export function createModelHost({
  definition,
  limits,
  running,
  fetchFiles,
  onStatus,
  background,
  childMain,
}: ModelHostOptions): ModelHost {
  const { id, task, source } = definition.record;
  const closing = new AbortController();
  const queue = createWorkQueue({ running, total: limits.maxQueuedRequests });
  let current: ModelStatus = { id, task, source, state: "idle" };
  let process: Promise<ModelProcess> | undefined;

  function setStatus(change: Pick<ModelStatus, "state" | "progress" | "error">): void {
    if (closing.signal.aborted) return;
    current = { id, task, source, ...change };
    onStatus(current);
  }

  /** The running process, or a new one. A load that fails, or a process that ends, is forgotten. */
  function runningProcess(): Promise<ModelProcess> {
    if (process) return process;
    const started = start();
    process = started;
    const forget = (error: unknown) => {
      if (process === started) process = undefined;
      setStatus({ state: "failed", error: error instanceof Error ? error.message : String(error) });
    };
    started.then((loaded) => loaded.ended.then(forget), forget);
    return started;
  }

  async function start(): Promise<ModelProcess> {
    if (closing.signal.aborted) throw new InferenceError("aborted", "Inference was closed.");
    setStatus({ state: "loading" });
    const folder = await fetchFiles(
      (progress) => setStatus({ state: "downloading", progress }),
      closing.signal,
    );
    if (current.state === "downloading") setStatus({ state: "loading" });
    const loaded = await startModelProcess({
      definition,
      folder,
      limits,
      signal: closing.signal,
      background,
      childMain,
    });
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
      }
    }
  }

  return {
    status: () => current,
    async load() {
      await runningProcess();
    },
    call(call, { priority, alone, signal, onText }) {
      const done = queue.run({ priority, alone, signal }, () => sendTo(call, { signal, onText }));
      return untilAborted(done, signal);
    },
    async close() {
      closing.abort();
      const loaded = await process?.catch(() => undefined);
      await loaded?.ended;
    },
  };
}

/** Waits for a promise that others wait for too: an abort ends the wait, not the work. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new InferenceError("aborted", "The request was aborted."));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
