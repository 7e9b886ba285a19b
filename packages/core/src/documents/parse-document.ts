import { type ChildProcess, fork } from "node:child_process";
import { AppError } from "@genq/contract";
import { overMemorySignal, type ParseReply, type ParseRequest, parseReplySchema } from "./child/protocol.ts";
import { defaultParseLimits } from "./parse-limits.ts";
import type { DocumentPart, ParseDocumentOptions, ParseLimits } from "./types.ts";

/** How many parts may be on their way: the next pages are read while the last are chunked, and no more than that. */
const partsAhead = 4;

type Outcome = ParseReply | { type: "exit"; code: number | null; signal: NodeJS.Signals | null };

/**
 * Reads a document in a child process of its own, so that a crash, a hang or too much memory costs that child only.
 * Parts come as they are read and as fast as they are taken; the document is never whole in this process.
 * The child may read files and nothing else: no environment, no writing, no processes, no native code.
 * @throws AppError `document_*`, `unsupported_media_type`, or `parser_crashed` when the child was killed; `signal.reason`
 *   when aborted
 */
export async function* parseDocument(options: ParseDocumentOptions): AsyncGenerator<DocumentPart> {
  const limits: ParseLimits = { ...defaultParseLimits, ...options.limits };
  options.signal?.throwIfAborted();
  const child = startChild(limits);
  const inbox = createInbox(child);
  const abort = () => child.kill("SIGKILL");
  options.signal?.addEventListener("abort", abort, { once: true });
  try {
    ask(child, {
      type: "open",
      path: options.path,
      mediaType: options.mediaType,
      firstPart: options.firstPart ?? 1,
      limits,
    });
    ask(child, { type: "more", count: partsAhead });
    let remainingMs = limits.timeoutMs;
    while (true) {
      const startedAt = performance.now();
      const outcome = await inbox.take(Math.min(limits.partTimeoutMs, remainingMs));
      remainingMs -= performance.now() - startedAt;
      options.signal?.throwIfAborted();
      if (outcome === undefined) throw timedOut(limits, remainingMs <= 0);
      if (outcome.type === "done") return;
      if (outcome.type === "problem") throw new AppError(outcome.code, outcome.detail);
      if (outcome.type === "exit") throw died(outcome, limits);
      if (outcome.type === "busy") continue;
      yield outcome.part;
      options.signal?.throwIfAborted();
      ask(child, { type: "more", count: 1 });
    }
  } finally {
    options.signal?.removeEventListener("abort", abort);
    child.kill("SIGKILL");
  }
}

function startChild(limits: ParseLimits): ChildProcess {
  return fork(new URL("./child/main.ts", import.meta.url), {
    execArgv: [
      "--permission",
      "--allow-fs-read=*",
      "--allow-worker",
      "--disable-warning=PERM0006",
      `--max-old-space-size=${Math.floor(limits.maxHeapBytes / 1024 / 1024)}`,
    ],
    env: {},
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}

function ask(child: ChildProcess, request: ParseRequest): void {
  // A child that died in between shows by its exit; the error of writing to it says nothing more.
  if (child.connected) child.send(request, () => undefined);
}

/** What the child told and was not taken yet: at most `partsAhead` parts. */
function createInbox(child: ChildProcess): { take(timeoutMs: number): Promise<Outcome | undefined> } {
  const waiting: Outcome[] = [];
  let wake = Promise.withResolvers<void>();
  const put = (outcome: Outcome) => {
    waiting.push(outcome);
    wake.resolve();
  };
  child.on("message", (message) => {
    const reply = parseReplySchema.safeParse(message);
    if (reply.success) put(reply.data);
    else child.kill("SIGKILL");
  });
  child.on("error", () => put({ type: "exit", code: null, signal: null }));
  // "close" comes after the last message, "exit" may come before it.
  child.on("close", (code, signal) => put({ type: "exit", code, signal }));
  return {
    async take(timeoutMs) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, Math.max(0, timeoutMs));
      if (waiting.length === 0) await Promise.race([wake.promise, deadline.promise]);
      clearTimeout(timer);
      wake = Promise.withResolvers();
      return waiting.shift();
    },
  };
}

function timedOut(limits: ParseLimits, inAll: boolean): AppError {
  const detail = inAll
    ? `Reading the document took more than ${limits.timeoutMs / 1000} s.`
    : `Nothing came out of the document for ${limits.partTimeoutMs / 1000} s.`;
  return new AppError("document_parse_timeout", detail);
}

/** Why the child ended without a word: V8 aborts when its heap is full, the guard signals when memory is. */
function died(exit: Extract<Outcome, { type: "exit" }>, limits: ParseLimits): AppError {
  if (exit.signal === overMemorySignal || exit.signal === "SIGABRT" || exit.code === 134) {
    const size = Math.floor(limits.maxMemoryBytes / 1024 / 1024);
    return new AppError(
      "document_too_large",
      `Reading the document takes more memory than the ${size} MiB it may.`,
    );
  }
  if (exit.signal !== null) {
    return new AppError("parser_crashed", `The process that read the document was ended by ${exit.signal}.`);
  }
  if (exit.code === null) {
    return new AppError("overloaded", "The process that reads the document could not be started.");
  }
  return new AppError("document_corrupt", "The document made its parser end; it is damaged.");
}
