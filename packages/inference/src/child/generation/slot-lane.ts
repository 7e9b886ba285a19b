import type { Tensor } from "onnxruntime-node";
import type { DecoderGraph } from "./decoder-graph.ts";
import type { KvLane } from "./kv-lane.ts";
import { copyTokens, type KvStore, newStore } from "./kv-layout.ts";
import { kvTensor } from "./kv-tensor.ts";

/** Tokens by which the room of all slots grows: each time all that they hold is copied. */
const roomStep = 64;

/**
 * A lane for graphs that write new keys and values into the cache that they are given (`GroupQueryAttention`): each
 * text has a slot, padded on the right, and nothing is moved but when texts come, go or outgrow their slots.
 */
export function createSlotLane(graph: DecoderGraph): KvLane & { store: KvStore } {
  const { caches } = graph;
  const lengths: number[] = [];
  let slots = 0;
  let store: KvStore = newStore(caches, 0, 0);
  let views: Tensor[] | undefined;

  /** Grows when it must, and shrinks when half of it would do. */
  function makeRoom(rows: number, tokens: number): void {
    const capacity = Math.ceil(tokens / roomStep) * roomStep;
    if (rows <= slots && capacity <= store.capacity && 2 * capacity > store.capacity) return;
    const other = newStore(caches, Math.max(rows, slots), capacity);
    lengths.forEach((length, row) => {
      copyTokens(caches, { store, row, at: 0 }, { store: other, row, at: 0 }, length);
    });
    slots = Math.max(rows, slots);
    store = other;
    views = undefined;
  }

  /** The slots in use, as one tensor for each cache. */
  function viewSlots(): Tensor[] {
    views ??= caches.map(({ heads, size }, index) => {
      const rows = lengths.length;
      const data = store.data[index]?.subarray(0, rows * heads * store.capacity * size);
      if (!data) throw new Error(`There is no store of cache ${index}.`);
      return kvTensor(data, [rows, heads, store.capacity, size]);
    });
    return views;
  }

  async function run(ids: readonly (readonly number[])[]): Promise<Float32Array[]> {
    if (lengths.length === 0) lengths.push(0);
    const fresh = ids[0]?.length ?? 0;
    const positions = [...lengths];
    const width = Math.max(...lengths) + fresh;
    makeRoom(lengths.length, width);
    const mask = new BigInt64Array(lengths.length * width);
    lengths.forEach((length, row) => {
      mask.fill(1n, row * width, row * width + length + fresh);
    });
    const past = viewSlots();
    const { logits } = await graph.run({ ids, positions, mask, past, present: past });
    lengths.forEach((length, row) => {
      lengths[row] = length + fresh;
    });
    return logits;
  }

  return {
    lengths,
    run,
    get store() {
      return store;
    },
    join(other) {
      const [length = 0] = other.lengths;
      // Lanes of one decoder are of one kind.
      const { store: from } = other as ReturnType<typeof createSlotLane>;
      views = undefined;
      if (lengths.length === 0) {
        store = from;
        slots = 1;
      } else {
        makeRoom(lengths.length + 1, Math.max(length, ...lengths));
        copyTokens(caches, { store: from, row: 0, at: 0 }, { store, row: lengths.length, at: 0 }, length);
      }
      lengths.push(length);
    },
    leave(index) {
      const last = lengths.length - 1;
      const length = lengths[last] ?? 0;
      if (index < last) copyTokens(caches, { store, row: last, at: 0 }, { store, row: index, at: 0 }, length);
      lengths[index] = length;
      lengths.pop();
      views = undefined;
      if (lengths.length > 0) return;
      slots = 0;
      store = newStore(caches, 0, 0);
    },
    read(row, at, count) {
      const piece = newStore(caches, 1, count);
      copyTokens(caches, { store, row, at }, { store: piece, row: 0, at: 0 }, count);
      return piece;
    },
    restore(pieces) {
      const length = pieces.reduce((sum, { capacity }) => sum + capacity, 0);
      lengths.push(length);
      makeRoom(1, length);
      let at = 0;
      for (const piece of pieces) {
        copyTokens(caches, { store: piece, row: 0, at: 0 }, { store, row: 0, at }, piece.capacity);
        at += piece.capacity;
      }
    },
  };
}
