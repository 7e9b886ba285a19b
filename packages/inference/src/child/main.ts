import { basename, dirname } from "node:path";
import { env, LogLevel } from "@huggingface/transformers";
import { checkDevice, thisMachine } from "../devices.ts";
import { InferenceError } from "../inference-error.ts";
import type { Call, CallResults, ChildMessage, LoadRequest, ParentMessage } from "../messages.ts";
import { packVectors } from "../packed-vectors.ts";
import type { Batching } from "../types.ts";
import { loadEmbeddingModel } from "./embedding-model.ts";
import { explainLoadError } from "./explain-load-error.ts";
import { loadGenerationModel } from "./generation-model.ts";
import { loadRerankingModel } from "./reranking-model.ts";
import { startBeats } from "./start-beats.ts";
import { noProgress, type Progress } from "./yield-to-events.ts";

type Answer = (
  call: Call,
  signal: AbortSignal,
  onText: (delta: string) => void,
) => Promise<CallResults[Call["type"]]>;

interface LoadedModel {
  answer: Answer;
  batching?: Batching;
}

/** A model's own process: loads what the parent names, answers its calls, and ends with it. */
function main(): void {
  process.title = `genq-model ${process.argv[2] ?? ""}`;
  // The parent decides when a model ends: a terminal's Ctrl-C and a service manager's TERM reach children too.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit());

  const progress = noProgress();
  const running = new Map<number, AbortController>();
  let answer: Answer | undefined;
  startBeats(progress);

  async function load(request: LoadRequest): Promise<void> {
    try {
      const loaded = await loadModel(request, progress);
      answer = loaded.answer;
      send({ type: "ready", batching: loaded.batching });
    } catch (error) {
      send({ type: "load_failed", message: explainLoadError(error, request.definition.record) });
    }
  }

  async function run(id: number, call: Call): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (!answer) throw new InferenceError("model_unavailable", "The model is not loaded.");
      const result = await answer(call, controller.signal, (delta) => send({ type: "text", id, delta }));
      send({ type: "result", id, result: isEmbedding(result) ? packVectors(result) : result });
    } catch (error) {
      const code = controller.signal.aborted
        ? "aborted"
        : error instanceof InferenceError
          ? error.code
          : "model_crashed";
      send({ type: "error", id, code, message: messageOf(error) });
    } finally {
      running.delete(id);
    }
  }

  // Only the parent of this package writes to this channel.
  process.on("message", (message: ParentMessage) => {
    if (message.type === "load") void load(message);
    else if (message.type === "cancel") running.get(message.id)?.abort();
    else void run(message.id, message.call);
  });
}

async function loadModel(request: LoadRequest, progress: Progress): Promise<LoadedModel> {
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.logLevel = LogLevel.ERROR;
  env.localModelPath = `${dirname(request.folder)}/`;
  const name = basename(request.folder);
  checkDevice(request.definition.record.device ?? "cpu", thisMachine());
  const unfit = (call: Call) =>
    new InferenceError("invalid_input", `This model does not answer "${call.type}".`);

  if (request.definition.record.task === "embedding") {
    const { encoder, embed } = await loadEmbeddingModel(request, name, progress);
    const answer: Answer = (call, signal) => {
      if (call.type === "embed") return embed(call, signal);
      if (call.type === "count") return countTokens(call.texts, encoder.encode, signal);
      throw unfit(call);
    };
    return { answer };
  }
  if (request.definition.record.task === "reranking") {
    const { encoder, rerank } = await loadRerankingModel(request, name, progress);
    const answer: Answer = (call, signal) => {
      if (call.type === "rerank") return rerank(call, signal);
      if (call.type === "count") return countTokens(call.texts, encoder.encode, signal);
      throw unfit(call);
    };
    return { answer };
  }
  const { encoder, batching, generate } = await loadGenerationModel(request, name, progress);
  const answer: Answer = (call, signal, onText) => {
    if (call.type === "generate") return generate(call, signal, onText);
    if (call.type === "count") return countTokens(call.texts, encoder.encode, signal);
    throw unfit(call);
  };
  return { answer, batching };
}

async function countTokens(
  texts: string[],
  encode: (text: string) => Promise<number[]>,
  signal: AbortSignal,
): Promise<number[]> {
  const counts: number[] = [];
  for (const text of texts) {
    signal.throwIfAborted();
    counts.push((await encode(text)).length);
  }
  return counts;
}

function send(message: ChildMessage): void {
  // A parent that went away is noticed by the disconnect event.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

const isEmbedding = (result: CallResults[Call["type"]]): result is CallResults["embed"] =>
  typeof result === "object" && "vectors" in result;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

main();
