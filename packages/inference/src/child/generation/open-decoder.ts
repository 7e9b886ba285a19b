import type { Device } from "../../types.ts";
import { createColumnLane } from "./column-lane.ts";
import type { DecoderGraph } from "./decoder-graph.ts";
import type { KvLane } from "./kv-lane.ts";
import { bytesPerToken, newStore } from "./kv-layout.ts";
import { kvTensor } from "./kv-tensor.ts";
import { createSlotLane } from "./slot-lane.ts";

/** A decoder whose lanes are known to be right for it. */
export interface Decoder {
  newLane(): KvLane;
  /** For a text whose prompt is to be run. */
  newPromptLane(): KvLane;
  /** Whether a text has the same logits beside others as alone. */
  batches: boolean;
  /** Whether a prompt has the same logits in pieces as whole, also when the first were run before. */
  splits: boolean;
  bytesPerToken: number;
}

/** These quantize activations by the range of a whole run: logits depend on what else is in it. */
const unbatchedDtypes = new Set(["q8", "int8", "uint8"]);
/** Of the logits' own spread. A token that sees the wrong ones is off by about 1, half precision by some 0.001. */
const tolerance = 0.01;

/**
 * Tries what the graph can do on a few tokens.
 * @param prompts the same graph, if another session is faster with prompts
 */
export async function openDecoder(
  graph: DecoderGraph,
  dtype: string,
  device: Device,
  prompts = graph,
): Promise<Decoder> {
  const lanes = (create: (graph: DecoderGraph) => KvLane) => ({
    newLane: () => create(graph),
    newPromptLane: () => create(prompts),
  });
  const inColumns = lanes(createColumnLane);
  const decoder = { ...inColumns, batches: false, splits: false, bytesPerToken: bytesPerToken(graph.caches) };
  // Elsewhere the caches stay in the device's memory, and go from run to run as they are.
  if (device !== "cpu") return decoder;

  const texts = trialTexts((await inColumns.newLane().run([[0]]))[0]?.length ?? 1);
  const wanted = await Promise.all(texts.map((text) => runAlone(inColumns.newLane(), text)));
  const fitting = (await writesInPlace(graph)) ? lanes(createSlotLane) : inColumns;
  const { newLane } = fitting;
  const whole = await Promise.all(texts.map((text) => runAlone(newLane(), text)));
  if (!areAlike(whole, wanted)) return decoder;
  if (unbatchedDtypes.has(dtype)) return { ...decoder, ...fitting };
  const pieces = await Promise.all(texts.map((text) => runAlone(newLane(), text, 2)));
  const splits = areAlike(pieces, wanted);
  return {
    ...decoder,
    ...fitting,
    splits,
    batches: splits && areAlike(await runTogether(newLane, texts), wanted),
  };
}

/** Two texts of different length, of any tokens. */
function trialTexts(vocabulary: number): number[][] {
  return [7, 4].map((length, row) => {
    return Array.from({ length }, (_, index) => ((index + 1) * 7919 + row * 104_729) % vocabulary);
  });
}

async function runAlone(lane: KvLane, text: readonly number[], pieces = 1): Promise<Float32Array[]> {
  const size = Math.ceil((text.length - 1) / pieces);
  for (let at = 0; at < text.length - 1; at += size)
    await lane.run([text.slice(at, Math.min(at + size, text.length - 1))]);
  return await lane.run([text.slice(-1)]);
}

async function runTogether(newLane: () => KvLane, texts: readonly (readonly number[])[]) {
  const lane = newLane();
  for (const text of texts) {
    const own = newLane();
    await own.run([text.slice(0, -1)]);
    lane.join(own);
  }
  return (await lane.run(texts.map((text) => text.slice(-1)))).map((logits) => [logits]);
}

function areAlike(found: readonly Float32Array[][], wanted: readonly Float32Array[][]): boolean {
  return wanted.every(([expected], index) => {
    const actual = found[index]?.[0];
    if (!expected || actual?.length !== expected.length) return false;
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    let spread = 0;
    let off = 0;
    expected.forEach((value, i) => {
      spread += (value - mean) ** 2;
      off += (value - (actual[i] ?? 0)) ** 2;
    });
    return off <= tolerance ** 2 * spread;
  });
}

/** Whether the graph takes caches with room at their end, and gives them back as large. */
async function writesInPlace(graph: DecoderGraph): Promise<boolean> {
  const room = 8;
  const { data } = newStore(graph.caches, 1, room);
  const past = graph.caches.flatMap(({ heads, size }, index) => {
    const values = data[index];
    return values ? [kvTensor(values, [1, heads, room, size])] : [];
  });
  try {
    const step = { ids: [[0, 0]], positions: [0], mask: BigInt64Array.of(1n, 1n), past };
    const { present } = await graph.run(step, true);
    return present.every(({ dims }) => dims[2] === room);
  } catch {
    // A graph that appends refuses a mask that is shorter than the cache.
    return false;
  }
}
