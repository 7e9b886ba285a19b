import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { beatFd, createBeatReader } from "./beats.ts";
import { modelProcessEnv } from "./env.ts";
import { InferenceError } from "./inference-error.ts";
import { defaultMaxRss } from "./memory-limit.ts";
import type { Call, CallResults, ChildMessage, ParentMessage, SentResult } from "./messages.ts";
import type { ModelDefinition } from "./model-catalog.ts";
import { createModelWatch, watchEveryMs } from "./model-watch.ts";
import { type PackedAnswer, unpackVectors } from "./packed-vectors.ts";
import type { Usage } from "./recycling.ts";
import type { Batching, InferenceLimits } from "./types.ts";
import { warmUpCall } from "./warm-up.ts";

/** How a call is followed and ended early. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  onText?: ((delta: string) => void) | undefined;
}

/** A running child process with its model loaded. */
export interface ModelProcess {
  readonly pid: number;
  /** A generation model's. */
  readonly batching: Batching | undefined;
  usage(): Usage;
  /**
   * Settles when the child is done with the call, also when the call was aborted: then it has stopped, or was killed.
   * @throws InferenceError `processDied` for the calls that were running when the process died by itself
   * @throws ProcessGoneError when the process went away and the call had no part in it
   */
  call<T extends Call>(call: T, options: CallOptions): Promise<CallResults[T["type"]]>;
  /** Settles when the process has ended, with the reason. */
  readonly ended: Promise<InferenceError>;
  /** Ends the process when its calls are done; then it has ended. It may still be given calls that were on their way. */
  retire(): Promise<InferenceError>;
}

export interface ModelProcessOptions {
  definition: ModelDefinition;
  folder: string;
  limits: InferenceLimits;
  /** Ends the process. */
  signal: AbortSignal;
  /** Gives way to other processes where processors are short. */
  background?: boolean | undefined;
  /** What the child runs: the package's own program but in tests of its supervision. */
  childMain?: URL | undefined;
}

/** The process ended without a fault of the call: another process may be given the same call. */
export class ProcessGoneError extends Error {
  override readonly name = "ProcessGoneError";
  readonly reason: InferenceError;
  constructor(reason: InferenceError) {
    super(reason.message);
    this.reason = reason;
  }
}

interface Pending {
  type: Call["type"];
  resolve(result: CallResults[Call["type"]]): void;
  reject(error: InferenceError | ProcessGoneError): void;
  onText: ((delta: string) => void) | undefined;
  /** Told to stop, and what the caller hears when it has. */
  canceled: { at: number; error: InferenceError } | undefined;
}

const ownChildMain = new URL("./child/main.ts", import.meta.url);
const stderrKept = 2000;

/**
 * Starts a child process and loads a model in it. The process is killed when it is silent, makes no progress, takes
 * too much memory, or does not stop the last of its calls.
 * @throws InferenceError `model_unavailable` when the model does not load in `loadDeadlineMs` or at all.
 */
export async function startModelProcess(options: ModelProcessOptions): Promise<ModelProcess> {
  const { definition, folder, limits, signal, background = false, childMain = ownChildMain } = options;
  const { id, device = "cpu" } = definition.record;
  const maxRssBytes = limits.maxRssBytes ?? (await defaultMaxRss(definition.record, folder));
  const child = fork(fileURLToPath(childMain), [id], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc", "pipe"],
    env: modelProcessEnv(device),
    execArgv: [],
  });
  if (background) yieldProcessor(child);
  const pending = new Map<number, Pending>();
  const ready = Promise.withResolvers<Batching | undefined>();
  const watch = createModelWatch(id, { ...limits, maxRssBytes });
  let loaded = false;
  let batching: Batching | undefined;
  let lastId = 0;
  let retiring = false;
  /** Why it was killed from here, and whether that was the fault of the calls in it. */
  let killed: { reason: InferenceError; blamesCalls: boolean } | undefined;

  const stderr = keepTail(child);
  const ended = waitForEnd(child).then((how) => {
    const cause = stderr() ? new Error(stderr()) : undefined;
    const reason =
      killed?.reason ??
      new InferenceError("model_crashed", `The process of ${id} ended (${how}).`, { cause });
    clearInterval(watching);
    signal.removeEventListener("abort", close);
    for (const call of pending.values()) call.reject(errorAtEnd(call, reason));
    pending.clear();
    ready.reject(loadError(reason));
    return reason;
  });

  function errorAtEnd(call: Pending, reason: InferenceError): InferenceError | ProcessGoneError {
    if (reason.code === "aborted") return reason;
    if (call.canceled?.error.code === "aborted") return call.canceled.error;
    if (call.canceled === undefined && killed?.blamesCalls === false) return new ProcessGoneError(reason);
    const { code, message, cause } = call.canceled?.error ?? reason;
    return new InferenceError(code, message, { cause, processDied: true });
  }
  /** While it loads no call is to blame: the model can't be had on this machine. */
  function loadError(reason: InferenceError): InferenceError {
    if (loaded || reason.code === "aborted") return reason;
    return new InferenceError("model_unavailable", reason.message, { cause: reason.cause });
  }
  function kill(reason: InferenceError, { blamesCalls = true } = {}): void {
    killed ??= { reason, blamesCalls };
    child.kill("SIGKILL");
  }
  const close = () => kill(new InferenceError("aborted", "Inference was closed."));
  const send = (message: ParentMessage) => child.connected && child.send(message, () => {});

  let bytes = 0;
  let measured = Promise.withResolvers<void>();
  const readBeats = createBeatReader((beat) => {
    watch.heard(beat);
    bytes = beat.rssBytes;
    measured.resolve();
  });
  const beats = child.stdio[beatFd];
  if (beats instanceof Readable)
    beats
      .setEncoding("utf8")
      .on("data", readBeats)
      .on("error", () => {});
  // What goes wrong with the process shows as its end.
  child.on("error", () => {});
  // Only this package's child writes to the channel.
  child.on("message", (message: ChildMessage) => {
    watch.progressed();
    if (message.type === "ready") ready.resolve(message.batching);
    else if (message.type === "load_failed")
      kill(new InferenceError("model_unavailable", `${id} did not load: ${message.message}`));
    else if (message.type === "text") pending.get(message.id)?.onText?.(message.delta);
    else settle(message);
  });

  function settle(message: Extract<ChildMessage, { type: "result" | "error" }>): void {
    const call = pending.get(message.id);
    pending.delete(message.id);
    if (retiring) endWhenDone();
    // What comes after a cancellation is not wanted any more.
    if (call?.canceled) call.reject(call.canceled.error);
    else if (message.type === "result")
      call?.resolve(isPacked(message.result) ? unpackVectors(message.result) : message.result);
    else call?.reject(new InferenceError(message.code, message.message));
  }

  const watching = setInterval(() => {
    const reason = watch.verdict(loaded && pending.size > 0);
    if (reason) kill(reason);
    else if (isDeaf([...pending.values()], limits.abortGraceMs))
      kill(new InferenceError("model_crashed", `${id} was ended with a request that did not stop.`), {
        blamesCalls: false,
      });
  }, watchEveryMs);
  watching.unref();

  function call<T extends Call>(
    request: T,
    { signal, onText }: CallOptions,
  ): Promise<CallResults[T["type"]]> {
    const { promise, resolve, reject } = Promise.withResolvers<CallResults[Call["type"]]>();
    if (killed || !child.connected)
      reject(
        new ProcessGoneError(
          killed?.reason ?? new InferenceError("model_crashed", `The process of ${id} has ended.`),
        ),
      );
    else if (signal?.aborted) reject(abortedCall());
    else {
      lastId += 1;
      const callId = lastId;
      if (pending.size === 0) watch.progressed();
      pending.set(callId, { type: request.type, resolve, reject, onText, canceled: undefined });
      send({ type: "call", id: callId, call: request });
      const abort = () => cancel(callId, abortedCall());
      const deadline = setTimeout(
        () => cancel(callId, tooLong(id, limits.requestDeadlineMs)),
        limits.requestDeadlineMs,
      );
      signal?.addEventListener("abort", abort, { once: true });
      const forget = () => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abort);
      };
      promise.then(forget, forget);
    }
    // The child answers a call with the result of its own type.
    return promise as Promise<CallResults[T["type"]]>;
  }

  function endWhenDone(): void {
    if (pending.size === 0)
      kill(new InferenceError("aborted", `The process of ${id} was not needed any more.`));
  }

  function cancel(callId: number, error: InferenceError): void {
    const running = pending.get(callId);
    if (!running || running.canceled) return;
    running.canceled = { at: Date.now(), error };
    running.onText = undefined;
    send({ type: "cancel", id: callId });
  }

  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  const deadline = setTimeout(() => {
    kill(new InferenceError("model_unavailable", `${id} did not load in ${limits.loadDeadlineMs} ms.`));
  }, limits.loadDeadlineMs);
  try {
    const { threads, tokensPerRun = 512, generationRows, prefixCacheBytes } = limits;
    // Half of what it may take; the rest is the weights' and the runs'.
    const cacheBytes = maxRssBytes / 2;
    const settings = { threads, tokensPerRun, generationRows, cacheBytes, prefixCacheBytes };
    send({ type: "load", definition, folder, ...settings });
    batching = await ready.promise;
    await warmUp();
    measured = Promise.withResolvers();
    await Promise.race([measured.promise, ended]);
  } finally {
    clearTimeout(deadline);
  }
  const [loadedAt, loadedBytes] = [Date.now(), bytes];
  loaded = true;
  const beforeCalls = lastId;
  return {
    pid: child.pid ?? 0,
    batching,
    usage: () => ({ calls: lastId - beforeCalls, loadedAt, bytes, loadedBytes, maxRssBytes }),
    call,
    ended,
    retire() {
      retiring = true;
      endWhenDone();
      return ended;
    },
  };

  /** A model that can't answer is found out now, and the first request does not wait for memory and kernels. */
  async function warmUp(): Promise<void> {
    try {
      await call(warmUpCall(definition.record.task), {});
    } catch (error) {
      kill(new InferenceError("model_unavailable", `${id} loaded, but does not answer: ${messageOf(error)}`));
      throw loadError(await ended);
    }
  }
}

const isPacked = (result: SentResult): result is PackedAnswer =>
  typeof result === "object" && "packed" in result;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * Whether a canceled call goes on past its grace and nothing else would be lost with the process: counting tokens is
 * short, and is asked again.
 */
function isDeaf(calls: readonly Pending[], graceMs: number): boolean {
  const overdue = calls.some(({ canceled }) => canceled && Date.now() - canceled.at > graceMs);
  return overdue && calls.every(({ canceled, type }) => canceled || type === "count");
}

const abortedCall = () => new InferenceError("aborted", "The request was aborted.");
const tooLong = (id: string, ms: number) =>
  new InferenceError("inference_timeout", `${id} was at the request for more than ${ms} ms.`);

/** Lowers its priority. At the start, for on Linux that is a thread's own: those that it makes later have it too. */
function yieldProcessor({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It runs as any other, then, or has ended, which is told elsewhere.
  }
}

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
