import { finishPiece, finishStep, type Progress, runModel } from "../yield-to-events.ts";
import type { KvLane } from "./kv-lane.ts";
import type { Decoder } from "./open-decoder.ts";
import type { PrefixCache, PrefixTrail } from "./prefix-cache.ts";

/** A text to be continued. */
interface TextRequest {
  promptIds: readonly number[];
  /** Most tokens that the text can come to have, prompt included. */
  maxTokens: number;
  /** Whose text it is, as the prefix cache takes it. */
  partition: string | undefined;
  /** Tokens at its start that are the operator's. */
  sharedTokens: number;
  signal: AbortSignal;
  /** Given the logits after the text so far: the token to go on with, none when the text is complete. */
  pick(logits: Float32Array): number | undefined;
}

export interface GenerationScheduler {
  /** Continues a text until its `pick` gives none. Rejects with what `pick` or the model throws, or the abort's reason. */
  run(request: TextRequest): Promise<void>;
}

export interface SchedulerLimits {
  /** Texts at once. */
  rows: number;
  /** Memory for keys and values. */
  cacheBytes: number;
  /** Tokens of a prompt in one run while others wait for it; twice as many while none does. */
  chunkTokens: number;
}

interface Text extends TextRequest {
  trail: PrefixTrail;
  ids: number[];
  resolve(): void;
  reject(error: unknown): void;
}

/** A text whose prompt is not through yet, in a lane of its own. */
interface Filling {
  text: Text;
  lane: KvLane;
}

/** The caches, what the runtime gives back as copies after a run, and copies that are not collected yet. */
const copiesOfCaches = 3;

/**
 * Runs texts together: between two runs they come and go. Each turn takes a piece of one prompt, in turns, and then
 * one token of every text whose prompt is through.
 */
export function createGenerationScheduler(
  decoder: Decoder,
  prefixes: PrefixCache,
  limits: SchedulerLimits,
  progress: Progress,
): GenerationScheduler {
  let waiting: Text[] = [];
  let filling: Filling[] = [];
  /** In the order of the lane. */
  const running: Text[] = [];
  const together = decoder.newLane();
  let working = false;

  function run(request: TextRequest): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const trail = prefixes.trail(request.partition, request.sharedTokens);
    waiting.push({ ...request, trail, ids: [...request.promptIds], resolve, reject });
    if (!working) void work();
    return promise;
  }

  async function work(): Promise<void> {
    working = true;
    while (waiting.length + filling.length + running.length > 0) {
      dropAborted();
      admit();
      const next = filling.shift();
      if (next) await fill(next);
      dropAborted();
      if (running.length > 0) await step();
    }
    working = false;
  }

  function dropAborted(): void {
    const stays = ({ signal, reject }: Text) => {
      if (signal.aborted) reject(signal.reason);
      return !signal.aborted;
    };
    waiting = waiting.filter(stays);
    filling = filling.filter(({ text }) => stays(text));
    for (const text of running.filter((text) => !stays(text))) leave(text);
  }

  function leave(text: Text): void {
    const index = running.indexOf(text);
    const last = running.pop();
    if (last && index < running.length) running[index] = last;
    together.leave(index);
  }

  /** In the order in which they came: none is overtaken because it is long. */
  function admit(): void {
    for (let text = waiting[0]; text && hasRoom(text); text = waiting[0]) {
      waiting.shift();
      const lane = decoder.newPromptLane();
      const known = text.trail.find(text.promptIds);
      if (known.length > 0) lane.restore(known);
      filling.push({ text, lane });
    }
  }
  function hasRoom(text: Text): boolean {
    const texts = [...filling.map(({ text }) => text), ...running, text];
    if (texts.length === 1) return true;
    const longest = Math.max(...texts.map(({ maxTokens }) => maxTokens));
    const bytes = texts.length * longest * decoder.bytesPerToken * copiesOfCaches;
    return texts.length <= limits.rows && bytes <= limits.cacheBytes;
  }

  async function fill({ text, lane }: Filling): Promise<void> {
    try {
      const from = lane.lengths[0] ?? 0;
      const most = limits.chunkTokens * (running.length + filling.length > 0 ? 1 : 2);
      const piece = text.promptIds.slice(from, decoder.splits ? from + most : undefined);
      const [logits] = await runModel(progress, piece.length, () => lane.run([piece]));
      const length = from + piece.length;
      text.trail.learn(text.ids, length, (at, count) => lane.read(0, at, count));
      if (length < text.promptIds.length) filling.push({ text, lane });
      else if (logits && goOn(text, logits)) {
        together.join(lane);
        running.push(text);
      }
    } catch (error) {
      text.reject(error);
    }
    await finishStep(progress);
  }

  async function step(): Promise<void> {
    const texts = [...running];
    try {
      const last = texts.map(({ ids }) => ids.slice(-1));
      const logits = await runModel(progress, texts.length, () => together.run(last));
      texts.forEach((text, index) => {
        const { trail, ids } = text;
        trail.learn(ids, ids.length, (at, count) => together.read(index, at, count));
      });
      for (const [index, text] of texts.entries()) {
        const own = logits[index];
        if (!own || !goOn(text, own)) leave(text);
        // What may follow by a text's format can take as long as a run.
        await finishPiece(progress);
      }
    } catch (error) {
      for (const text of texts) {
        text.reject(error);
        leave(text);
      }
    }
    await finishStep(progress);
  }

  /** Takes the text's next token. False when there is none: the text is complete or has failed. */
  function goOn(text: Text, logits: Float32Array): boolean {
    try {
      const token = text.pick(logits);
      if (token !== undefined) text.ids.push(token);
      else text.resolve();
      return token !== undefined;
    } catch (error) {
      text.reject(error);
      return false;
    }
  }

  return { run };
}
