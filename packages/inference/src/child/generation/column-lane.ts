import type { Tensor } from "onnxruntime-node";
import type { DecoderGraph } from "./decoder-graph.ts";
import type { KvLane } from "./kv-lane.ts";
import { copyTokens, type KvData, type KvStore, newStore } from "./kv-layout.ts";
import { kvTensor } from "./kv-tensor.ts";

/** A text's tokens: the first `kept` columns, and all from `since` on. What is between is masked. */
interface Columns {
  kept: number;
  since: number;
}

/**
 * A lane for graphs that give each cache anew, with the new columns at its end (plain attention): texts of different
 * length have gaps, and are laid out anew only when one comes or goes.
 */
export function createColumnLane(graph: DecoderGraph): KvLane & { contents(): Contents } {
  const { caches } = graph;
  let texts: Columns[] = [];
  let tensors: readonly Tensor[] = emptyTensors();
  let width = 0;

  function emptyTensors(): Tensor[] {
    const { data } = newStore(caches, 1, 0);
    return toTensors(data, 1, 0);
  }
  function toTensors(data: readonly KvData[], rows: number, columns: number): Tensor[] {
    return caches.flatMap(({ heads, size }, index) => {
      const values = data[index];
      return values ? [kvTensor(values, [rows, heads, columns, size])] : [];
    });
  }
  const lengthOf = ({ kept, since }: Columns) => kept + width - since;

  async function run(ids: readonly (readonly number[])[]): Promise<Float32Array[]> {
    if (texts.length === 0) texts.push({ kept: 0, since: 0 });
    const fresh = ids[0]?.length ?? 0;
    const wider = width + fresh;
    const mask = new BigInt64Array(texts.length * wider).fill(1n);
    texts.forEach(({ kept, since }, row) => {
      mask.fill(0n, row * wider + kept, row * wider + since);
    });
    const { logits, present } = await graph.run({ ids, positions: texts.map(lengthOf), mask, past: tensors });
    tensors = present;
    width = wider;
    return logits;
  }

  /** Copies `count` tokens of a text, gaps left out. */
  function copyFrom(held: Held, from: number, count: number, store: KvStore, row: number): void {
    const { kept, since } = held.columns;
    const before = Math.min(Math.max(0, kept - from), count);
    const place = { store: held.store, row: held.row };
    copyTokens(caches, { ...place, at: from }, { store, row, at: 0 }, before);
    const at = since + from + before - kept;
    copyTokens(caches, { ...place, at }, { store, row, at: before }, count - before);
  }

  function holdAll(): Held[] {
    // A cache's type was checked when the graph was opened.
    const store = { data: tensors.map((tensor) => tensor.data as KvData), capacity: width };
    return texts.map((columns, row) => ({ store, row, columns, length: lengthOf(columns) }));
  }

  function layOut(held: readonly Held[]): void {
    width = Math.max(...held.map(({ length }) => length));
    const store = newStore(caches, held.length, width);
    held.forEach((text, row) => {
      copyFrom(text, 0, text.length, store, row);
    });
    tensors = toTensors(store.data, held.length, width);
    texts = held.map(({ length }) => ({ kept: length, since: width }));
  }

  return {
    get lengths() {
      return texts.map(lengthOf);
    },
    run,
    contents: () => ({ texts, tensors, width, held: holdAll }),
    join(other) {
      // Lanes of one decoder are of one kind.
      const joining = (other as ReturnType<typeof createColumnLane>).contents();
      if (texts.length === 0) ({ texts, tensors, width } = joining);
      else layOut([...holdAll(), ...joining.held()]);
    },
    leave(index) {
      if (texts.length > 1) {
        const rest = holdAll();
        const last = rest.pop();
        layOut(last && index < rest.length ? rest.with(index, last) : rest);
      } else {
        [texts, tensors, width] = [[], emptyTensors(), 0];
      }
    },
    read(index, from, count) {
      const piece = newStore(caches, 1, count);
      const held = holdAll()[index];
      if (held) copyFrom(held, from, count, piece, 0);
      return piece;
    },
    restore(pieces) {
      width = pieces.reduce((sum, { capacity }) => sum + capacity, 0);
      const store = newStore(caches, 1, width);
      let at = 0;
      for (const piece of pieces) {
        copyTokens(caches, { store: piece, row: 0, at: 0 }, { store, row: 0, at }, piece.capacity);
        at += piece.capacity;
      }
      tensors = toTensors(store.data, 1, width);
      texts = [{ kept: width, since: width }];
    },
  };
}

interface Contents {
  texts: Columns[];
  tensors: readonly Tensor[];
  width: number;
  held(): Held[];
}

/** One text in a lane's store. */
interface Held {
  store: KvStore;
  row: number;
  columns: Columns;
  length: number;
}
