import type { KvStore } from "./kv-layout.ts";

/** Tokens of one entry: what a prompt shares with an earlier text is found in steps of this. */
const pieceTokens = 32;

interface Entry {
  id: number;
  piece: KvStore;
}

/** The way through the cache of one text: each step is a piece of its tokens, known by all that came before. */
export interface PrefixTrail {
  /** The pieces that are known from the start of a prompt, all but its last token at most. */
  find(promptIds: readonly number[]): KvStore[];
  /** Keeps the pieces of a text that are complete by now. */
  learn(ids: readonly number[], length: number, read: (from: number, count: number) => KvStore): void;
}

export interface PrefixCache {
  /**
   * A text's way. What was learnt under one partition is found under no other, but for the operator's own text.
   * @param partition whose text it is; without one only the first `shared` tokens are looked up and kept
   * @param shared so many tokens of the text's start are the operator's
   */
  trail(partition: string | undefined, shared: number): PrefixTrail;
}

/** Keys and values of texts that were run, for the texts that begin like them. The longest unused go first. */
export function createPrefixCache(budgetBytes: number, bytesPerToken: number): PrefixCache {
  const most = Math.floor(budgetBytes / (bytesPerToken * pieceTokens));
  /** In the order of their last use. */
  const entries = new Map<string, Entry>();
  let lastId = 0;

  function trail(partition: string | undefined, shared: number): PrefixTrail {
    const path: string[] = [];
    let parent = 0;

    /** The key of the next piece; none where nothing may be kept. */
    function nextKey(ids: readonly number[]): string | undefined {
      const start = path.length * pieceTokens;
      const end = start + pieceTokens;
      // Of two users' texts with the same tokens, only those of the operator are one.
      const owner = end <= shared ? "" : partition === undefined ? undefined : `user ${partition}`;
      return owner === undefined ? undefined : JSON.stringify([owner, parent, ids.slice(start, end)]);
    }
    function follow(key: string, { id }: Entry): void {
      path.push(key);
      parent = id;
    }
    /** A piece is of no use without those before it: they are used last. */
    function touch(): void {
      for (const key of path.toReversed()) {
        const entry = entries.get(key);
        if (entry && entries.delete(key)) entries.set(key, entry);
      }
    }

    return {
      find(promptIds) {
        const found: KvStore[] = [];
        while ((path.length + 1) * pieceTokens < promptIds.length) {
          const key = nextKey(promptIds);
          const entry = key === undefined ? undefined : entries.get(key);
          if (key === undefined || !entry) break;
          follow(key, entry);
          found.push(entry.piece);
        }
        touch();
        return found;
      },
      learn(ids, length, read) {
        const before = path.length;
        while ((path.length + 1) * pieceTokens <= length && path.length < most) {
          const key = nextKey(ids);
          if (key === undefined) break;
          const known = entries.get(key);
          const entry = known ?? { id: ++lastId, piece: read(path.length * pieceTokens, pieceTokens) };
          entries.set(key, entry);
          follow(key, entry);
        }
        if (path.length === before) return;
        touch();
        for (const key of entries.keys()) {
          if (entries.size <= most) break;
          entries.delete(key);
        }
      },
    };
  }

  return { trail };
}
