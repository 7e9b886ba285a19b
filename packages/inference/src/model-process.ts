import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { InferenceError } from "./inference-error.ts";
import type { Call, CallResults, ChildMessage, ParentMessage } from "./messages.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import type { InferenceLimits } from "./types.ts";

/** How a call is followed and ended early. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  onText?: ((delta: string) => void) | undefined;
  /**
   * An aborted call ends when the child has stopped it, or is killed because it did not in the grace period.
   * Otherwise the call ends at once, and the child finishes what it is at.
   */
  killWhenDeaf: boolean;
}

/** A running child process with its model loaded. */
export interface ModelProcess {
  readonly pid: number;
  /** Rejects with an `InferenceError`; `model_crashed` for all calls that were running when the process died. */
  call<T extends Call>(call: T, options: CallOptions): Promise<CallResults[T["type"]]>;
  /** Settles when the process has ended, with the reason. */
  readonly ended: Promise<InferenceError>;
  kill(reason: InferenceError): void;
}

interface Pending {
  resolve(result: CallResults[Call["type"]]): void;
  reject(error: InferenceError): void;
  onText: ((delta: string) => void) | undefined;
  /** Canceled, and waiting for the child to say that it stopped. */
  canceled: boolean;
}

const childMain = fileURLToPath(new URL("./child/main.ts", import.meta.url));
const stderrKept = 2000;
const watchEveryMs = 250;

/**
 * Starts a child process and loads a model in it.
 * The process is killed when it is at work and shows no progress for `runDeadlineMs`.
 * @throws InferenceError `model_unavailable` when the model does not load in `loadDeadlineMs` or at all.
 */
export async function startModelProcess(
  definition: ModelDefinition,
  folder: string,
  limits: InferenceLimits,
  signal: AbortSignal,
): Promise<ModelProcess> {
  const { id } = definition.record;
  // The model's process gets no secrets: its environment is empty.
  const child = fork(childMain, [id], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: {},
    execArgv: [],
  });
  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<void>();
  let lastId = 0;
  let steps = -1;
  let lastProgress = Date.now();
  let reason: InferenceError | undefined;

  const stderr = keepTail(child);
  const ended = waitForEnd(child).then((how) => {
    const cause = stderr() ? new Error(stderr()) : undefined;
    const error =
      reason ?? new InferenceError("model_crashed", `The process of ${id} ended (${how}).`, { cause });
    clearInterval(watch);
    signal.removeEventListener("abort", close);
    for (const call of pending.values()) call.reject(call.canceled ? abortedCall() : error);
    pending.clear();
    ready.reject(error);
    return error;
  });

  function kill(error: InferenceError): void {
    reason ??= error;
    child.kill("SIGKILL");
  }
  const close = () => kill(new InferenceError("aborted", "Inference was closed."));
  const send = (message: ParentMessage) => child.connected && child.send(message, () => {});

  // What goes wrong with the process shows as its end.
  child.on("error", () => {});
  // Only this package's child writes to the channel.
  child.on("message", (message: ChildMessage) => {
    if (message.type === "heartbeat") {
      if (message.steps !== steps) lastProgress = Date.now();
      steps = message.steps;
      return;
    }
    lastProgress = Date.now();
    if (message.type === "ready") ready.resolve();
    else if (message.type === "load_failed")
      kill(new InferenceError("model_unavailable", `${id} did not load: ${message.message}`));
    else if (message.type === "text") pending.get(message.id)?.onText?.(message.delta);
    else settle(message);
  });

  function settle(message: Extract<ChildMessage, { type: "result" | "error" }>): void {
    const call = pending.get(message.id);
    pending.delete(message.id);
    if (message.type === "result") call?.resolve(message.result);
    else call?.reject(new InferenceError(message.code, message.message));
  }

  let loaded = false;
  let watchedAt = Date.now();
  const watch = setInterval(() => {
    const now = Date.now();
    // A parent that slept or was busy has not listened: its silence is not the child's.
    if (now - watchedAt > 4 * watchEveryMs) lastProgress = now;
    watchedAt = now;
    if (loaded && pending.size > 0 && now - lastProgress > limits.runDeadlineMs) {
      kill(new InferenceError("inference_timeout", `${id} made no progress for ${limits.runDeadlineMs} ms.`));
    }
  }, watchEveryMs);
  watch.unref();

  function call<T extends Call>(request: T, options: CallOptions): Promise<CallResults[T["type"]]> {
    const { promise, resolve, reject } = Promise.withResolvers<CallResults[Call["type"]]>();
    if (reason || !child.connected)
      reject(reason ?? new InferenceError("model_crashed", `The process of ${id} has ended.`));
    else if (options.signal?.aborted) reject(abortedCall());
    else {
      lastId += 1;
      const callId = lastId;
      if (pending.size === 0) lastProgress = Date.now();
      pending.set(callId, { resolve, reject, onText: options.onText, canceled: false });
      send({ type: "call", id: callId, call: request });
      const abort = () => cancel(callId, options.killWhenDeaf);
      options.signal?.addEventListener("abort", abort, { once: true });
      const forget = () => options.signal?.removeEventListener("abort", abort);
      promise.then(forget, forget);
    }
    // The child answers a call with the result of its own type.
    return promise as Promise<CallResults[T["type"]]>;
  }

  function cancel(callId: number, killWhenDeaf: boolean): void {
    const running = pending.get(callId);
    if (!running) return;
    send({ type: "cancel", id: callId });
    running.onText = undefined;
    if (!killWhenDeaf) {
      running.reject(abortedCall());
      return;
    }
    running.canceled = true;
    const grace = setTimeout(() => {
      if (pending.has(callId))
        kill(new InferenceError("model_crashed", `${id} was restarted to end a canceled call.`));
    }, limits.abortGraceMs);
    grace.unref();
  }

  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const deadline = setTimeout(() => {
    kill(new InferenceError("model_unavailable", `${id} did not load in ${limits.loadDeadlineMs} ms.`));
  }, limits.loadDeadlineMs);
  try {
    send({ type: "load", definition, folder, threads: limits.threads, tokensPerRun: limits.tokensPerRun });
    await ready.promise;
    loaded = true;
  } finally {
    clearTimeout(deadline);
  }
  return { pid: child.pid ?? 0, call, ended, kill };
}

const abortedCall = () => new InferenceError("aborted", "The request was aborted.");

/** How the process ended, in words; also when it could not be started. */
async function waitForEnd(child: ChildProcess): Promise<string> {
  try {
    const [code, signal]: unknown[] = await once(child, "exit");
    return signal ? `signal ${signal}` : `code ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Collects the end of what the process writes to stderr: a native crash says there what it was. */
function keepTail(child: ChildProcess): () => string {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-stderrKept);
  });
  return () => tail.trim();
}
