import { InferenceError } from "./inference-error.ts";
import type { Call, CallResults, EmbedCall } from "./messages.ts";
import { isLackOfRoom, type ModelHost } from "./model-host.ts";
import type { ModelStatus } from "./types.ts";
import { untilAborted } from "./until-aborted.ts";

type Options = Parameters<ModelHost["call"]>[1];

interface BulkProcess {
  host: ModelHost;
  /** Characters of the texts that it is at. */
  characters: number;
}

/** Reading a text, however short, is work. */
const charactersOfAny = 40;
const costOf = (text: string) => charactersOfAny + text.length;

/**
 * An embedding model in several processes: bulk requests are spread over those of their own, and everything else has
 * the front process to itself. On a CPU sessions of one thread each do more than threads of one session, and a run
 * that has begun does not stop for a query.
 */
export function createSpreadHost(front: ModelHost, bulkHosts: readonly ModelHost[]): ModelHost {
  const processes = bulkHosts.map((host): BulkProcess => ({ host, characters: 0 }));

  /** The front process's, with the memory of all. */
  function status(): ModelStatus {
    const own = front.status();
    const others = bulkHosts.map((host) => host.status());
    return {
      ...own,
      residentBytes:
        own.residentBytes &&
        others.reduce((sum, { residentBytes = 0 }) => sum + residentBytes, own.residentBytes),
      lastUsedAt: Math.max(...[own, ...others].map(({ lastUsedAt = 0 }) => lastUsedAt)) || undefined,
    };
  }

  /** Those that are loaded, or can be: there may be no memory for all of them. */
  async function loadable(signal: AbortSignal | undefined): Promise<BulkProcess[]> {
    const loads = processes.map(async (process) => {
      try {
        await untilAborted(process.host.load(), signal);
        return [process];
      } catch (error) {
        if (isLackOfRoom(error)) return [];
        throw error;
      }
    });
    return (await Promise.all(loads)).flat();
  }

  async function embedBulk(call: EmbedCall, options: Options): Promise<CallResults["embed"]> {
    const loaded = await loadable(options.signal);
    if (loaded.length === 0) return await front.call(call, options);
    const busy = loaded.map(({ characters }) => characters);
    // What must be alone is not spread: it would keep more than one process from the others, and may end its own.
    const shares = options.alone ? giveToOne(call.texts, busy) : shareOut(call.texts, busy);
    // When one share fails the others are of no use.
    const failed = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
    const parts = loaded.flatMap((process, index) => {
      const indexes = shares[index] ?? [];
      return indexes.length > 0 ? embedShare(process, indexes) : [];
    });

    async function embedShare(process: BulkProcess, indexes: readonly number[]) {
      const texts = indexes.map((index) => call.texts[index] ?? "");
      const cost = texts.reduce((sum, text) => sum + costOf(text), 0);
      process.characters += cost;
      try {
        return { indexes, result: await process.host.call({ ...call, texts }, { ...options, signal }) };
      } finally {
        process.characters -= cost;
      }
    }
    try {
      return inOrder(await Promise.all(parts));
    } catch (error) {
      failed.abort();
      // A part that was aborted for another's failure is not the reason.
      await Promise.allSettled(parts);
      throw error;
    }
  }

  function call<T extends Call>(request: T, options: Options): Promise<CallResults[T["type"]]> {
    const toFront = processes.length === 0 || request.type !== "embed" || request.priority !== "bulk";
    if (toFront) return front.call(request, options);
    // The result of an embed call is what a request of this type is answered with.
    return embedBulk(request, options) as Promise<CallResults[T["type"]]>;
  }

  return {
    status,
    load: () => front.load(),
    call,
    async close() {
      await Promise.all([front, ...bulkHosts].map((host) => host.close()));
    },
  };
}

/** For each process the texts that it gets, the longest first to the one that has least to do. */
export function shareOut(texts: readonly string[], characters: readonly number[]): number[][] {
  const shares = characters.map((before) => ({ indexes: [] as number[], characters: before }));
  const byLength = texts.map((text, index) => ({ cost: costOf(text), index }));
  for (const { cost, index } of byLength.toSorted((a, b) => b.cost - a.cost)) {
    const least = shares.reduce((best, share) => (share.characters < best.characters ? share : best));
    least.indexes.push(index);
    least.characters += cost;
  }
  return shares.map(({ indexes }) => indexes);
}

/** All texts to the process that has least to do. */
function giveToOne(texts: readonly string[], characters: readonly number[]): number[][] {
  const least = characters.indexOf(Math.min(...characters));
  return characters.map((_, index) => (index === least ? [...texts.keys()] : []));
}

function inOrder(
  parts: readonly { indexes: readonly number[]; result: CallResults["embed"] }[],
): CallResults["embed"] {
  const all: CallResults["embed"] = { vectors: [], tokens: [], truncatedTokens: [] };
  for (const { indexes, result } of parts) {
    indexes.forEach((index, place) => {
      const [vector, tokens, truncated] = [
        result.vectors[place],
        result.tokens[place],
        result.truncatedTokens[place],
      ];
      if (vector === undefined || tokens === undefined || truncated === undefined)
        throw new InferenceError("model_crashed", "The model's process answered with too few vectors.");
      all.vectors[index] = vector;
      all.tokens[index] = tokens;
      all.truncatedTokens[index] = truncated;
    });
  }
  return all;
}
